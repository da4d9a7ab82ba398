import path from 'node:path';
import { metricMatches } from '../checks/covariance-identities.js';
import { readLogitBias } from '../input/logit-bias.js';
import { exportIdentity } from '../output/export-identity.js';
import {
  type ExportTarget,
  exportEigenbasis,
  openExports,
  publishProjectionsExports,
} from '../output/exports.js';
import { fileMetadata } from '../output/file-metadata.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import type { Manifest, RunResults } from '../output/manifest.js';
import type { RunPlan } from '../output/run-plan.js';
import { writeReport } from '../report/write-report.js';
import type { SpectrumSource } from '../tables/spectrum.js';
import type { Vocabulary } from '../tables/vocabulary.js';
import type { Basis } from './basis.js';
import type { RunContext } from './context.js';
import { exportProjections } from './export-projections.js';
import { goOnBeside } from './go-on-beside.js';
import { FAILURE_ADVICE, refuseFailed, type VerificationResult } from './judge-run.js';
import { type FormerRun, keptNeighbours } from './kept-neighbours.js';
import { type MadeExports, resultsOf } from './results.js';
import type { SettledIdentity } from './settle-identity.js';
import { spectrumSource } from './spectrum-source.js';
import type { UnitRun } from './unit-run.js';
import type { VerifiedUnits } from './verified-units.js';
import { writeTables } from './write-tables.js';

/**
 * Partitions from which on threads hold so much memory for them that they are let go while tables and report are made. To
 * start new ones takes longer than the whole run of a small model, of which a batch has many.
 */
const WORTH_RESTING_BYTES = 16 * 2 ** 20;

/** What the stages before have found. */
export interface FoundRun {
  identity: SettledIdentity;
  basis: Basis;
  /** What the verification of all partitions has left. */
  units: VerifiedUnits;
  /** Texts of the tokens, which the tables name; null where none are wanted. */
  vocabulary: Vocabulary | null;
  /** The run that is mended. */
  before: FormerRun;
}

/**
 * Judges what was measured, and makes what a run has beside its partitions, the stage `finish` but for the commit: tables,
 * exports, report. What was added to a run that is mended is kept, as long as it is true.
 *
 * @throws VerificationError where a check has failed: nothing is made then
 */
export async function finishRun(
  run: UnitRun,
  found: FoundRun,
  context: RunContext,
): Promise<RunResults & Pick<Manifest, 'report' | 'neighbours'>> {
  const { identity, basis, units } = found;
  // Nothing that is left to do but exports is a task.
  const { partitions, hidden } = run.plan.units;
  const isLarge = partitions[0]!.rows.count * hidden * 4 >= WORTH_RESTING_BYTES;
  if (isLarge && units.tables !== null && run.plan.exports.length === 0) context.executor.rest();
  const judging = context.stopwatch.time('judgement', undefined, async () => {
    const verified = await units.judged();
    refuseFailed(run.directory, verified.verification.checks, FAILURE_ADVICE);
    return { verified, spectrum: spectrumOf(basis, verified) };
  });
  const tables = await goOnBeside(judging, () => makeTables(run, found, judging, context));
  const { verified, spectrum } = await judging;
  const exports = await makeExports(run, { identity, basis, verified }, context);
  const made = resultsOf(run, {
    identity,
    basis,
    verified,
    spectrum,
    tables,
    merged: units.tables,
    exports,
  });
  const neighbours = keptNeighbours(run.directory, found.before, made, context.note);
  const results = { ...made, neighbours };
  if (tables === null || !run.plan.report) return { ...results, report: null };
  const report = await context.stopwatch.time('report', undefined, () => writeReport(run.directory, results));
  return { ...results, report };
}

/** The exports that a plan asks for, where they are to lie. */
export function plannedExports({ exports }: Pick<RunPlan, 'exports'>, directory: string): ExportTarget[] {
  return exports.map((target) => ({ ...target, path: path.resolve(directory, target.path) }));
}

async function makeExports(
  { directory, plan, lock }: UnitRun,
  {
    identity: { fingerprint },
    basis,
    verified,
  }: Pick<FoundRun, 'identity' | 'basis'> & { verified: VerificationResult },
  context: RunContext,
): Promise<MadeExports> {
  const targets = plannedExports(plan, directory);
  const { rows, hidden, partitions } = plan.units;
  const { name } = plan.identity.model;
  const identity = exportIdentity(targets, {
    directory,
    name,
    rows,
    hidden,
    givenMetric: plan.metric.source === 'file' ? plan.metric.path : null,
    fingerprint,
    started: plan.started,
  });
  const projections = openExports(targets, identity);
  const run = {
    directory,
    lock,
    hidden,
    metadata: fileMetadata(fingerprint, LAYOUT_VERSION, name),
    partitions: partitions.map(({ rows: range, parquet, arrow }, index) => {
      const fileOf = (file: string | null) => verified.files[index]!.find((one) => one.path === file) ?? null;
      return { rows: range, parquet: fileOf(parquet), arrow: fileOf(arrow) };
    }),
    exports: projections,
  };
  const made =
    projections.length === 0
      ? { parts: [], digests: new Map<string, never>() }
      : await exportProjections(run, context);
  const digests = new Map([...made.digests, ...exportEigenbasis(targets, basis.stored, identity)]);
  publishProjectionsExports(projections);
  return { targets, projections, parts: made.parts, digests };
}

/**
 * What figures of the spectrum are taken from: where the metric may be another's, or is the inverse of another moment than the
 * variance, the variance is measured.
 */
function spectrumOf(
  { stored, metric }: Basis,
  { verification: { checks }, variances }: VerificationResult,
): SpectrumSource {
  const isOfVariance = metric.source === 'file' || metric.secondMoment !== 'uncentred';
  const isKnown = isOfVariance && metricMatches(checks) === true;
  return spectrumSource(stored, metric, isKnown ? null : variances);
}

/** Makes the tables, those that do not need the spectrum while it is judged; none where the judgement fails. */
async function makeTables(
  { directory, plan }: UnitRun,
  { identity: { fingerprint, scan, weights }, units: { tables }, vocabulary }: FoundRun,
  judging: Promise<{ spectrum: SpectrumSource }>,
  { stopwatch }: RunContext,
): Promise<Manifest['tables']> {
  if (tables === null || vocabulary === null) return null;
  const target = {
    directory,
    source: plan.checkpoint.source,
    metadata: fileMetadata(fingerprint, LAYOUT_VERSION, plan.identity.model.name),
    rowHashes: scan.rowHashes!,
    vocabulary,
    logitBias: await readLogitBias(plan.checkpoint.logitBias ?? null, scan.offsets, plan.units.rows),
    weights,
  };
  const spectrum = async () => (await judging).spectrum;
  return stopwatch.time('tables', undefined, () => writeTables(target, spectrum, tables));
}
