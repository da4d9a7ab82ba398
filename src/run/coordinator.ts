import path from 'node:path';
import { metricEpsilon, metricMatches } from '../checks/identities.js';
import { EigenshardError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { explained } from '../files/failure-message.js';
import { syncFiles } from '../files/sync-files.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { type Backend, backendLabel } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { EIGENBASIS_NAME } from '../output/eigenbasis-file.js';
import { exportIdentity } from '../output/export-identity.js';
import {
  type ExportDigest,
  type ExportTarget,
  exportEigenbasis,
  exportName,
  exportTargets,
  finishProjectionsExports,
  openExports,
  publishProjectionsExports,
} from '../output/exports.js';
import { type Manifest, REPORT_NAME, TABLE_NAMES } from '../output/manifest.js';
import { METRIC_NAME } from '../output/metric-file.js';
import { RunDirectory } from '../output/run-directory.js';
import { warningsOf } from '../output/warnings.js';
import { filesOf, type Plan } from '../plan/plan-run.js';
import { writeReport } from '../report/write-report.js';
import { emptyTables, type MergedTables } from '../tables/merged-tables.js';
import type { SpectrumSource } from '../tables/spectrum.js';
import { admitRun } from './admit-run.js';
import { type Basis, obtainBasis } from './basis.js';
import type { BegunRun } from './begun-run.js';
import type { Config } from './config.js';
import type { RunContext } from './context.js';
import { damageOf } from './damage.js';
import { digestProjectionsExports, type ExportedRows, type ExportFindings } from './digest-exports.js';
import { intactUnits } from './intact-units.js';
import { judgeRun, refuseFailed, type VerificationResult } from './judge-run.js';
import { withKeptAdditions } from './kept-additions.js';
import { outputPath } from './output-path.js';
import { type PreparedRun, prepareRun } from './prepare-run.js';
import { type ProjectedPartition, projectPartitions } from './projection.js';
import { executionOf, resultsOf } from './results.js';
import { spectrumSource } from './spectrum-source.js';
import { writeTables } from './write-tables.js';

/** A run that lies on disk as a whole. */
export interface FinishedRun {
  /** The output directory, absolute. */
  directory: string;
  /** What the run recorded of itself, as `manifest.json` holds it. */
  manifest: Manifest;
  /** Whether the same run lay there finished, and nothing was computed. */
  finishedBefore: boolean;
}

/** What to do with a run that has just been computed and does not pass its checks. */
const FAILURE_ADVICE =
  'the same command with --resume makes again what the disk did not keep; if that fails too, compare with --backend portable';

/** What a caller has already, and uses for several runs or has brought from elsewhere. */
interface GivenInputs {
  backend?: Backend;
  checkpoint?: Checkpoint;
}

/**
 * Takes a run through its stages: input, scan, basis, projection, verification, commit.
 * @param given what the caller has already, and uses for several runs or has brought from elsewhere
 * @throws InputError, RunError, VerificationError; what was computed until then stays for --resume
 */
export async function coordinateRun(
  config: Config,
  flags: { resume: boolean; overwrite: boolean; checksums?: boolean },
  context: RunContext,
  given: GivenInputs = {},
): Promise<FinishedRun> {
  const started = new Date().toISOString();
  const directory = await RunDirectory.open(path.resolve(outputPath(config)), flags, context);
  return withCleanUp(
    async () => {
      try {
        return await goOn(config, directory, flags, { started, context, given });
      } catch (error) {
        const failure = explained(error);
        if (failure instanceof EigenshardError) failure.isResumable = directory.isBegun;
        throw failure;
      }
    },
    () => directory.close(),
  );
}

/** Prepares a run in its directory, and computes what does not lie there intact. */
async function goOn(
  asked: Config,
  directory: RunDirectory,
  flags: { checksums?: boolean },
  { started, context, given }: { started: string; context: RunContext; given: GivenInputs },
): Promise<FinishedRun> {
  const config = withKeptAdditions(asked, directory, context.note);
  const backend = given.backend ?? (await backendOf(config, directory, context));
  const prepared = await prepareRun(config, backend, context, {
    checkpoint: given.checkpoint,
    admit: (candidate) => admitRun(config, candidate, directory),
  });
  const finished = directory.finished(prepared, context.note);
  if (finished !== null) {
    const problems = await damageOf(finished, directory.path, flags.checksums ?? false, context);
    if (problems.length === 0) return told(directory.path, finished, { before: true }, context);
    directory.reopen(finished, prepared);
  }
  const manifest = await computeRun({ prepared, directory, context }, started);
  return told(directory.path, manifest, { before: false }, context);
}

/** Notes, at the end of a run, what its figures do not mean. */
function told(
  directory: string,
  manifest: Manifest,
  finished: { before: boolean },
  { note }: RunContext,
): FinishedRun {
  for (const warning of warningsOf(manifest)) note(`warning: ${warning}`);
  return { directory, manifest, finishedBefore: finished.before };
}

async function backendOf(
  { backend: name, blas }: Config,
  directory: RunDirectory,
  { stopwatch, note }: RunContext,
): Promise<Backend> {
  const wish = { backend: name, blas, recorded: directory.unfinishedBackend() };
  const backend = await stopwatch.time('choice of a backend', undefined, () => chooseBackend(wish, note));
  note(`kernels: ${backendLabel(backend.identity)}`);
  return backend;
}

/** Computes what does not lie there intact, verifies all of it, and commits. @param now ISO time, the first start of a new run */
async function computeRun(opened: Omit<BegunRun, 'exports'>, now: string): Promise<Manifest> {
  const { prepared, directory, context } = opened;
  const { config, plan, name, fingerprint } = prepared;
  const targets = exportTargets(config.exports, directory.path);
  const { header, done } = beginRun(opened, targets, now);
  const identity = exportIdentity(targets, {
    directory: directory.path,
    name,
    rows: plan.rows,
    hidden: plan.hidden,
    givenMetric: config.metric ?? null,
    fingerprint,
    started: header.started,
  });
  directory.refuseLost();
  const run = { ...opened, exports: { targets, identity, projections: openExports(targets, identity) } };
  const { projections } = run.exports;

  const intact = await intactUnits(run, done);
  const basis = await obtainBasis(run, intact);
  // Before the work that would rest on it.
  refuseFailed(directory.path, basis.check.checks, FAILURE_ADVICE);
  const partitions = await projectPartitions(run, basis, intact);
  directory.refuseLost();
  finishProjectionsExports(projections, crcsOf(partitions, plan), plan.hidden);
  const merged = mergedTables(prepared, basis);
  const { verified, digests } = await verifyFiles(run, basis, partitions, merged);
  refuseFailed(directory.path, verified.verification.checks, FAILURE_ADVICE);
  const spectrum = spectrumOf(basis, verified);
  const tables = await writeRunTables(run, spectrum, merged);
  await context.stopwatch.time('commit', undefined, async () => {
    directory.refuseLost();
    for (const [file, digest] of exportEigenbasis(targets, basis.stored, identity)) digests.set(file, digest);
    publishProjectionsExports(projections);
  });
  const results = resultsOf(run, { basis, partitions, verified, spectrum, tables, digests });
  const report =
    tables === null || !config.report
      ? null
      : await context.stopwatch.time('report', undefined, () => writeReport(directory.path, results));
  const execution = executionOf(run, header.started);
  return directory.commit({ ...results, report, execution });
}

/** Begins or continues the run in its directory, which learns of every file that is to come. */
function beginRun(
  { prepared, directory }: Omit<BegunRun, 'exports'>,
  targets: readonly ExportTarget[],
  now: string,
): ReturnType<RunDirectory['begin']> {
  const { config, plan, metric, identity, fingerprint, backend } = prepared;
  const exports = targets.map((target) => exportName(directory.path, target.path));
  const tables =
    config.tables === 'none' ? [] : [...Object.values(TABLE_NAMES), ...(config.report ? [REPORT_NAME] : [])];
  return directory.begin(
    { step: 'run', fingerprint, identity, started: now, exports, tables, kernels: backend.identity },
    [
      EIGENBASIS_NAME,
      ...(metric.source === 'computed' ? [METRIC_NAME] : []),
      ...plan.partitions.flatMap(filesOf),
      ...tables,
      ...exports,
    ],
  );
}

/** Tables to be filled by the verification; null where none are wanted. */
function mergedTables({ tables, config, plan, scan }: PreparedRun, { stored }: Basis): MergedTables | null {
  if (tables === null) return null;
  return emptyTables(stored, scan.mean, { rows: plan.rows, top: config.top });
}

/** Verifies everything that has been written, while it is being synced to the disk. */
async function verifyFiles(
  run: BegunRun,
  basis: Basis,
  partitions: readonly ProjectedPartition[],
  tables: MergedTables | null,
): Promise<{ verified: VerificationResult; digests: Map<string, ExportDigest> }> {
  const { prepared, directory, context } = run;
  const { plan, metric, checkpoint, metadata } = prepared;
  const { executor, stopwatch } = context;
  const files = partitions.flatMap((partition) => partition.files.map((file) => file.path));
  const recorded = partitions.map(({ index, files: written }) => {
    const { rows, parquet, arrow } = plan.partitions[index]!;
    const record = (name: string | null) => {
      const file = written.find((one) => one.path === name);
      return file === undefined ? null : { ...file, sha256: null };
    };
    return { rows, parquet: record(parquet), arrow: record(arrow) };
  });
  const [verified, exported] = await stopwatch.time('verification', plan.rows, async (advance) => {
    const digested = digestWrittenExports(run, partitions);
    return Promise.all([
      judgeRun(
        executor,
        {
          source: checkpoint.source,
          hidden: plan.hidden,
          mean: null,
          directory: directory.path,
          metadata,
          partitions: recorded,
          basis: basis.stored,
          basisCheck: basis.check,
          ridge: metric.ridge,
          metric:
            metric.source === 'computed'
              ? { source: 'computed' }
              : { source: 'file', epsilon: metricEpsilon(metric) },
          otherProblems: digested.then(({ problems }) => problems),
          tables,
        },
        advance,
      ),
      digested,
      syncFiles(files.map((file) => path.join(directory.path, file))),
    ]);
  });
  return { verified, digests: exported.digests };
}

/** Reads the exports of projections whole, before they get their names. */
async function digestWrittenExports(
  { prepared: { plan }, directory, exports: { projections }, context }: BegunRun,
  partitions: readonly ProjectedPartition[],
): Promise<ExportFindings> {
  return digestProjectionsExports(context.executor, {
    directory: directory.path,
    hidden: plan.hidden,
    exports: projections,
    parts: crcsOf(partitions, plan),
  });
}

function crcsOf(partitions: readonly ProjectedPartition[], plan: Plan): ExportedRows[] {
  return partitions.map(({ index, crc32 }) => ({ rows: plan.partitions[index]!.rows, crc32 }));
}

/** What figures of the spectrum are taken from: where the metric may be another's, the variance is measured. */
function spectrumOf(
  { stored, metric }: Basis,
  { verification: { checks }, variances }: VerificationResult,
): SpectrumSource {
  return spectrumSource(stored, metric, metricMatches(checks) === true ? null : variances);
}

async function writeRunTables(
  run: BegunRun,
  spectrum: SpectrumSource,
  merged: MergedTables | null,
): Promise<Manifest['tables']> {
  const { tables } = run.prepared;
  if (tables === null || merged === null) return null;
  const { prepared, directory, context } = run;
  const target = {
    directory: directory.path,
    source: prepared.checkpoint.source,
    metadata: prepared.metadata,
    ...tables,
  };
  return context.stopwatch.time('tables', undefined, () => writeTables(target, spectrum, merged));
}
