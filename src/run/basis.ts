import path from 'node:path';
import { z } from 'zod';
import { type BasisCheck, checkBasis } from '../checks/basis-check.js';
import { mostRepeated } from '../checks/like-entries.js';
import { freivaldsProbe } from '../checks/probe.js';
import type { Operator } from '../checks/residual.js';
import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric, metricOf } from '../linalg/eigenbasis.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { uncentreCovariance } from '../linalg/uncentre-covariance.js';
import type { DoneRecord } from '../output/done-records.js';
import { type EigenbasisOnDisk, readEigenbasis, writeEigenbasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import { basisCheckSchema, type MetricRecord } from '../output/manifest.js';
import { METRIC_NAME, readMoment, writeMetric } from '../output/metric-file.js';
import { isPartIntact } from '../output/part-file.js';
import { type ComputedMetric, secondMomentOf } from '../output/run-identity.js';
import { basisFilesOf } from '../output/unit-parts.js';
import type { SecondMoment } from '../plan/second-moment.js';
import type { RunContext } from './context.js';
import { dropCovariance, mergeCovariance } from './covariance.js';
import { goOnBeside } from './go-on-beside.js';
import { FAILURE_ADVICE, refuseFailed } from './judge-run.js';
import type { SettledIdentity } from './settle-identity.js';
import { publishUnit, type UnitRun, withdrawUnit } from './unit-run.js';

/** The basis of a run as it was read back from disk, and what became of identity 1. */
export interface Basis {
  stored: EigenbasisOnDisk;
  file: FileRecord;
  metric: MetricRecord;
  check: BasisCheck;
}

/** Files of a basis, and the matrix [d, d] that it must diagonalise. */
interface WrittenBasis {
  file: FileRecord;
  /** The computed metric's, as soon as it is written; undefined where the metric is given. */
  metricFile: Promise<FileRecord | undefined>;
  operator: Operator;
  /** rho; null where a given metric does not say it. */
  ridge: number | null;
}

/** What the record of a basis says beside its files; of a ridge, one that only the covariance has told. */
const resultsSchema = z.object({ check: basisCheckSchema, ridge: z.number().exactOptional() });

/** What the stage `basis` is given. */
interface BasisInputs {
  identity: Pick<SettledIdentity, 'fingerprint' | 'weights'> & {
    scan: Pick<SettledIdentity['scan'], 'mean'>;
  };
  /** Record of the stage, where its files are intact. */
  intact: DoneRecord | undefined;
  /** The given metric, or the merged covariance, which is freed; null where it is to be read. */
  matrix: Float64Array | null;
}

/**
 * Computes the stage `basis`, as far as it does not lie on disk intact, and reads it back.
 *
 * @throws VerificationError where it does not diagonalise the metric: then it is not recorded
 */
export async function settleBasis(run: UnitRun, inputs: BasisInputs, context: RunContext): Promise<Basis> {
  const { intact } = inputs;
  const { hidden } = run.plan.units;
  if (intact !== undefined && intact.part !== null && isPartIntact(run.store, intact.part)) {
    const [file, metric] = basisFilesOf(intact);
    const { check, ridge } = resultsSchema.parse(intact.results);
    const stored = await readEigenbasis(run.directory, hidden, file);
    return { stored, file, metric: metricRecord(run, metric, ridge ?? run.plan.metric.ridge), check };
  }
  const started = Date.now();
  const written = await writtenBasis(run, inputs, context);
  return goOnBeside(written.metricFile, () =>
    context.stopwatch.time('basis check', undefined, () => checkedBasis(run, inputs, written, started)),
  );
}

/** Checks a basis that has been written, and records it. @param started when it was begun, as Date.now() gives it */
async function checkedBasis(
  run: UnitRun,
  { identity, intact }: BasisInputs,
  { file, metricFile, operator, ridge }: WrittenBasis,
  started: number,
): Promise<Basis> {
  const { hidden } = run.plan.units;
  const stored = await readEigenbasis(run.directory, hidden, file);
  const check = await checkBasis(stored, operator);
  // Before the work that would rest on it.
  refuseFailed(run.directory, check.checks, FAILURE_ADVICE);
  const probe = freivaldsProbe(stored.eigenvectors, hidden);
  const part = {
    eigenvalues: stored.eigenvalues,
    probeVectors: probe.vectors,
    probeImages: probe.images,
    likeEntries: Float64Array.of(mostRepeated(stored.eigenvectors, hidden)),
    means: rowTimesMatrix(identity.scan.mean, stored.eigenvectors),
  };
  const metric = await metricFile;
  freeBuffer(operator.matrix.buffer as ArrayBuffer);
  const name = { stage: 'basis', unit: 0 } as const;
  // A finished run, which is mended, has kept the record without its part.
  if (intact !== undefined) withdrawUnit(run, name);
  const told = run.plan.metric.ridge === null && ridge !== null ? { ridge } : {};
  const files = metric === undefined ? [file] : [file, metric];
  publishUnit(run, name, { files, part, results: { check, ...told } }, started);
  if (run.plan.metric.source === 'computed') dropCovariance(run);
  return { stored, file, metric: metricRecord(run, metric, ridge), check };
}

async function writtenBasis(
  run: UnitRun,
  { identity, intact, matrix }: BasisInputs,
  context: RunContext,
): Promise<WrittenBasis> {
  const { metric, identity: planned } = run.plan;
  const metadata = fileMetadata(identity.fingerprint, LAYOUT_VERSION, planned.model.name);
  const files = intact === undefined ? null : basisFilesOf(intact);
  if (metric.source === 'file') {
    const operator = { symbol: 'M', matrix: matrix ?? (await readGivenMetric(run)) } as const;
    const { ridge } = metric;
    const file = files?.[0] ?? (await decomposeMetric(run, operator.matrix, metadata, context));
    return { file, metricFile: Promise.resolve(undefined), operator, ridge };
  }
  const secondMoment = secondMomentOf(metric);
  if (files !== null) {
    const moment = await readMoment(run.directory, run.plan.units.hidden, secondMoment);
    const [file, metricFile] = files;
    return {
      file,
      metricFile: Promise.resolve(metricFile),
      operator: operatorOf(moment, secondMoment),
      ridge: ridgeFor(metric, moment),
    };
  }
  return decomposeMoment(run, { ...identity, covariance: matrix, metric, metadata }, context);
}

/** The matrix that a basis must diagonalise, under its name. */
function operatorOf(matrix: Float64Array, secondMoment: SecondMoment): Operator {
  return { symbol: secondMoment === 'centred' ? 'C' : 'E', matrix };
}

/** rho: the given one, or r tr C / d, of the matrix that is to be inverted. @param moment [d, d] */
function ridgeFor({ ridge, relativeRidge }: ComputedMetric, moment: Float64Array): number {
  if (ridge !== null) return ridge;
  const d = Math.sqrt(moment.length);
  let trace = 0;
  for (let j = 0; j < d; j++) trace += moment[j * (d + 1)]!;
  return (relativeRidge! * trace) / d;
}

/** What the basis of a second moment is made from. */
interface MomentInputs extends Pick<SettledIdentity, 'weights'> {
  scan: Pick<SettledIdentity['scan'], 'mean'>;
  /** C, [d, d]; null where it is to be merged. */
  covariance: Float64Array | null;
  metric: ComputedMetric;
  metadata: Record<string, string>;
}

/** The basis of the checkpoint's own covariance, or of its second moment about zero, which is saved with its metric. */
async function decomposeMoment(
  run: UnitRun,
  { scan: { mean }, weights, covariance, metric, metadata }: MomentInputs,
  { stopwatch }: RunContext,
): Promise<WrittenBasis> {
  const { directory, backend, plan } = run;
  const d = plan.units.hidden;
  const secondMoment = secondMomentOf(metric);
  const { moment, ridge, basis, file } = await stopwatch.time('eigenbasis', undefined, async () => {
    const merged = covariance ?? mergeCovariance(run);
    if (weights !== null) refuseOneWeighedRow(merged, d);
    if (secondMoment === 'uncentred') uncentreCovariance(merged, mean);
    const rho = ridgeFor(metric, merged);
    const decomposed = await eigenbasisOfCovariance(merged, d, rho, backend);
    const written = writeEigenbasis(directory, decomposed, metadata);
    // Before the metric, whose making takes a while: it follows from the basis.
    return { moment: merged, ridge: rho, basis: decomposed, file: written };
  });
  const inverse = await stopwatch.time('metric', undefined, () => metricOf(basis, d, backend));
  // Its hundred megabytes reach the disk while the basis is checked.
  const metricFile = writeMetric(
    directory,
    { metric: inverse, moment, secondMoment, mean, weights },
    { ...metadata, ridge: String(ridge) },
  );
  return { file, metricFile, operator: operatorOf(moment, secondMoment), ridge };
}

/** Refuses weights that all lie on one row, or on rows that are equal: their covariance is zero. */
function refuseOneWeighedRow(covariance: Float64Array, d: number): void {
  for (let j = 0; j < d; j++) if (covariance[j * (d + 1)]! > 0) return;
  throw new InputError(
    'all weight of the rows lies on one row, or on rows that are equal: their covariance is zero, and no metric can be ' +
      'computed of it; choose other --weights',
  );
}

async function decomposeMetric(
  { directory, backend, plan }: UnitRun,
  matrix: Float64Array,
  metadata: Record<string, string>,
  { stopwatch }: RunContext,
): Promise<FileRecord> {
  const { metric, units } = plan;
  return stopwatch.time('eigenbasis', undefined, async () => {
    const basis = await eigenbasisOfMetric(matrix, units.hidden, metric.ridge, backend).catch((error) => {
      if (metric.source === 'computed' || !(error instanceof InputError)) throw error;
      throw new InputError(`${metric.path}: ${error.message}`, { cause: error });
    });
    return writeEigenbasis(directory, basis, metadata);
  });
}

/** Reads the metric that was given when the run was planned. @throws InputError where it is another one by now */
async function readGivenMetric({ plan: { metric, units } }: UnitRun): Promise<Float64Array> {
  if (metric.source === 'computed') throw new RangeError('readGivenMetric: the metric is computed');
  const { readMetric } = await import('../input/metric.js');
  const { matrix, sha256 } = await readMetric(metric.path, { hiddenSize: units.hidden });
  if (sha256 === metric.sha256) return matrix;
  throw new InputError(
    `${metric.path}: is another metric than the run was planned with: its SHA-256 differs. Put the former one there, or ` +
      'plan the run again with --overwrite',
  );
}

function metricRecord(
  { plan: { metric } }: UnitRun,
  file: FileRecord | undefined,
  ridge: number | null,
): MetricRecord {
  if (metric.source === 'file') return { ...metric, path: path.resolve(metric.path), file: null };
  return {
    source: 'computed',
    path: METRIC_NAME,
    tensor: 'M',
    dtype: 'float64',
    sha256: file!.sha256,
    file: file!,
    ridge: ridge!,
    relativeRidge: metric.relativeRidge ?? null,
    secondMoment: secondMomentOf(metric),
    asymmetry: null,
  };
}
