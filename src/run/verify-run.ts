import path from 'node:path';
import { checkBasis } from '../checks/basis-check.js';
import { expectedMetric } from '../checks/expected.js';
import { filesCheck } from '../checks/identities.js';
import type { Operator } from '../checks/residual.js';
import { summationOf } from '../checks/rounding.js';
import type { Verification } from '../checks/verdict.js';
import { EigenshardError, InputError } from '../errors.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { readMetric } from '../input/metric.js';
import { readEigenbasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { readMean, readMoment, readWeighing } from '../output/metric-file.js';
import { checkManifest } from './check-manifest.js';
import type { RunContext } from './context.js';
import { judgeRun, refuseFailed, type VerificationResult } from './judge-run.js';
import { type RecomputedWeights, recomputeWeights } from './recompute-weights.js';
import { findRecordedModel, OtherInput, otherInput, readRecordedModel } from './recorded-model.js';
import { recordedPartitions } from './recorded-partitions.js';
import { findFileProblems, partitionProblems } from './run-file-problems.js';

/** What to do with a run that is damaged. */
export const DAMAGE_ADVICE =
  'the command that made the run makes again what is damaged with --resume --checksums, and all of it with --overwrite';

/** Where the inputs of a run lie now, if not where it recorded them, and how it is checked. */
export interface VerifyRunOptions {
  model?: string | undefined;
  metric?: string | undefined;
  /** Whether the residual of the basis is computed, not estimated. */
  isExact: boolean;
}

/** What was found of a run. */
export interface RunVerification {
  verification: Verification;
  /** What could not be checked, and why: an input is not at hand. Empty where everything was. */
  unchecked: string[];
}

/** A finished run that is being verified. */
interface VerifiedRun {
  manifest: Manifest;
  /** Absolute. */
  directory: string;
  context: RunContext;
}

/** What an input of the run gives, or why it is not at hand. */
type Input<Found> = { found: Found; missing: null } | { found: null; missing: string };

/**
 * Checks a finished run again: its files are those that it recorded and no others, its inputs those that it was made from,
 * the identities hold for the bytes on disk, and the manifest says what is measured. Where an input is not at hand, what
 * does not need it is checked.
 * @throws InputError where there is no run, or an input is another one; VerificationError where manifest or
 *   basis are damaged
 */
export async function verifyRun(
  directory: string,
  options: VerifyRunOptions,
  context: RunContext,
): Promise<RunVerification> {
  const manifest = readManifest(directory);
  if (manifest.metric.source === 'computed' && options.metric !== undefined) {
    throw new InputError(`${directory}: this run computed its metric itself; leave --metric away`);
  }
  const run = { manifest, directory: path.resolve(directory), context };
  const { problems, isBasisIntact } = await findFileProblems(manifest, run.directory, context);
  if (!isBasisIntact) {
    problems.push(...(await partitionProblems(manifest, run.directory, context)));
    // All identities rest on the basis.
    refuseFailed(directory, [filesCheck(problems)], DAMAGE_ADVICE);
  }
  // Before the weights, which take longer: it may be another one, or not be there.
  const operator = await openMetric(run, options.metric);
  const model = await openModel(run, options.model);
  const weights = model.found?.weights ?? null;
  const inputs = {
    source: model.found?.source ?? null,
    operator: operator.found,
    isExact: options.isExact,
    recomputed: weights?.weights ?? null,
  };
  const { verification } = await judge(run, inputs, problems);
  const unchecked = [model.missing, weights?.missing ?? null, operator.missing].filter(
    (reason) => reason !== null,
  );
  return { verification, unchecked };
}

/** What a run is judged by, as far as it is at hand. */
interface JudgedInputs {
  source: RowSource | null;
  operator: Operator | null;
  isExact: boolean;
  /** Weights of the rows, [V], computed again of the checkpoint. */
  recomputed: Float64Array | null;
}

/** Judges the identities, as far as the inputs are at hand, and the manifest's figures. */
async function judge(
  { manifest, directory, context }: VerifiedRun,
  { source, operator, isExact, recomputed }: JudgedInputs,
  problems: readonly string[],
): Promise<VerificationResult> {
  const { model } = manifest;
  const basis = await readEigenbasis(directory, model.hidden, manifest.eigenbasis);
  const isComputed = manifest.metric.source === 'computed';
  const weighing = manifest.weights === null ? null : await readWeighing(directory, model);
  const result = await context.stopwatch.time('verification', model.rows, async (advance) =>
    judgeRun(
      context.executor,
      {
        source,
        hidden: model.hidden,
        mean: source === null && isComputed ? await readMean(directory, model.hidden) : null,
        directory,
        metadata: fileMetadata(manifest.fingerprint, manifest.layout, model.name),
        partitions: recordedPartitions(manifest),
        basis,
        basisCheck: await checkBasis(basis, operator, isExact),
        ridge: manifest.metric.ridge,
        metric: expectedMetric(manifest.metric),
        summation: summationOf(manifest.execution.kernels),
        otherProblems: Promise.resolve(problems),
        weighing,
        tables: null,
      },
      advance,
    ),
  );
  const weights = weighing === null ? null : { stored: weighing.weights, recomputed };
  const checks = [...result.verification.checks, checkManifest(manifest, basis, { ...result, weights })];
  const passed = checks.every(({ verdict }) => verdict !== 'failed');
  return { ...result, verification: { ...result.verification, checks, passed } };
}

/** @throws InputError where there is another checkpoint, or none at the place that the caller names */
async function openModel(
  { manifest, context }: VerifiedRun,
  moved: string | undefined,
): Promise<Input<{ source: RowSource; weights: RecomputedWeights | null }>> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await findRecordedModel(manifest, moved, context);
  } catch (error) {
    return missing(error, moved, 'the checkpoint', '--model');
  }
  const { weights: record } = manifest;
  const hashRows = record?.kind === 'unique';
  const model = await readRecordedModel(manifest, checkpoint, { hashRows }, context);
  const weights = record === null ? null : await recomputeWeights(record, checkpoint.path, model, context);
  return { found: { source: model.source, weights }, missing: null };
}

/** @throws InputError where there is another metric, or none at the place that the caller names */
async function openMetric(
  { manifest: { metric: recorded, model }, directory }: VerifiedRun,
  moved: string | undefined,
): Promise<Input<Operator>> {
  if (recorded.source === 'computed') {
    const { secondMoment } = recorded;
    const matrix = await readMoment(directory, model.hidden, secondMoment);
    return { found: { symbol: secondMoment === 'centred' ? 'C' : 'E', matrix }, missing: null };
  }
  const place = moved ?? recorded.path;
  try {
    const metric = await readMetric(place, { hiddenSize: model.hidden });
    if (metric.sha256 !== recorded.sha256) throw otherInput(place, 'metric', 'its SHA-256 differs');
    return { found: { symbol: 'M', matrix: metric.matrix }, missing: null };
  } catch (error) {
    return missing(error, moved, 'the metric', '--metric');
  }
}

/** An input that cannot be opened where the run recorded it is not at hand; elsewhere the caller is told. */
function missing(error: unknown, moved: string | undefined, what: string, option: string): Input<never> {
  const isAbsent = error instanceof EigenshardError && error.kind !== 'interrupted';
  if (!isAbsent || moved !== undefined || error instanceof OtherInput) throw error;
  return {
    found: null,
    missing: `what needs ${what} was not checked: ${error.message}. If it lies elsewhere now, give ${option}`,
  };
}
