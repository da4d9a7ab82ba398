import path from 'node:path';
import { z } from 'zod';
import { type BasisCheck, checkBasis } from '../checks/basis-check.js';
import { freivaldsProbe } from '../checks/probe.js';
import type { Operator } from '../checks/residual.js';
import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { readMetric } from '../input/metric.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric, metricOf } from '../linalg/eigenbasis.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { DoneRecord } from '../output/done-records.js';
import { type EigenbasisOnDisk, readEigenbasis, writeEigenbasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { basisCheckSchema, LAYOUT_VERSION, type MetricRecord } from '../output/manifest.js';
import { METRIC_NAME, readCovariance, writeMetric } from '../output/metric-file.js';
import { isPartIntact } from '../output/part-file.js';
import { basisFilesOf } from '../output/unit-parts.js';
import type { RunContext } from './context.js';
import { dropCovariance, mergeCovariance } from './covariance.js';
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
  files: FileRecord[];
  operator: Operator;
}

/** What the stage `basis` is given. */
interface BasisInputs {
  identity: Pick<SettledIdentity, 'fingerprint'> & { scan: Pick<SettledIdentity['scan'], 'mean'> };
  /** Record of the stage, where its files are intact. */
  intact: DoneRecord | undefined;
  /** Matrix of a given metric, which is freed; null where it is to be read, or the metric is computed. */
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
    const { check } = z.object({ check: basisCheckSchema }).parse(intact.results);
    const stored = await readEigenbasis(run.directory, hidden, file);
    return { stored, file, metric: metricRecord(run, metric), check };
  }
  const started = Date.now();
  const { files, operator } = await writtenBasis(run, inputs, context);
  const [file, metric] = files as [FileRecord, FileRecord?];
  return context.stopwatch.time('basis check', undefined, async () => {
    const stored = await readEigenbasis(run.directory, hidden, file);
    const check = await checkBasis(stored, operator);
    // Before the work that would rest on it.
    refuseFailed(run.directory, check.checks, FAILURE_ADVICE);
    freeBuffer(operator.matrix.buffer as ArrayBuffer);
    const probe = freivaldsProbe(stored.eigenvectors, hidden);
    const part = {
      eigenvalues: stored.eigenvalues,
      probeVectors: probe.vectors,
      probeImages: probe.images,
      means: rowTimesMatrix(inputs.identity.scan.mean, stored.eigenvectors),
    };
    const name = { stage: 'basis', unit: 0 } as const;
    // A finished run, which is mended, has kept the record without its part.
    if (intact !== undefined) withdrawUnit(run, name);
    publishUnit(run, name, { files, part, results: { check } }, started);
    if (run.plan.metric.source === 'computed') dropCovariance(run);
    return { stored, file, metric: metricRecord(run, metric), check };
  });
}

async function writtenBasis(
  run: UnitRun,
  { identity, intact, matrix }: BasisInputs,
  context: RunContext,
): Promise<WrittenBasis> {
  const { metric, identity: planned } = run.plan;
  const metadata = fileMetadata(identity.fingerprint, LAYOUT_VERSION, planned.model.name);
  const files = intact === undefined ? null : basisFilesOf(intact).filter((file) => file !== undefined);
  if (metric.source === 'file') {
    const operator = { symbol: 'M', matrix: matrix ?? (await readGivenMetric(run)) } as const;
    return { operator, files: files ?? [await decomposeMetric(run, operator.matrix, metadata, context)] };
  }
  if (files !== null) {
    const covariance = await readCovariance(run.directory, run.plan.units.hidden);
    return { files, operator: { symbol: 'C', matrix: covariance } };
  }
  const { ridge } = metric;
  return decomposeCovariance(run, { mean: identity.scan.mean, ridge, metadata }, context);
}

/** The basis of the checkpoint's own covariance, which is saved with its metric. */
async function decomposeCovariance(
  run: UnitRun,
  { mean, ridge, metadata }: { mean: Float64Array; ridge: number; metadata: Record<string, string> },
  { stopwatch }: RunContext,
): Promise<WrittenBasis> {
  const { directory, backend, plan } = run;
  const d = plan.units.hidden;
  const { covariance, basis, file } = await stopwatch.time('eigenbasis', undefined, async () => {
    const merged = mergeCovariance(run);
    const decomposed = await eigenbasisOfCovariance(merged, d, ridge, backend);
    // Before the metric, whose making takes a while: it follows from the basis.
    return { covariance: merged, basis: decomposed, file: writeEigenbasis(directory, decomposed, metadata) };
  });
  const metricFile = await stopwatch.time('metric', undefined, async () =>
    writeMetric(
      directory,
      { metric: await metricOf(basis, d, backend), covariance, mean },
      { ...metadata, ridge: String(ridge) },
    ),
  );
  return { files: [file, metricFile], operator: { symbol: 'C', matrix: covariance } };
}

async function decomposeMetric(
  { directory, backend, plan }: UnitRun,
  matrix: Float64Array,
  metadata: Record<string, string>,
  { stopwatch }: RunContext,
): Promise<FileRecord> {
  const { metric, units } = plan;
  return stopwatch.time('eigenbasis', undefined, async () => {
    const basis = await eigenbasisOfMetric(matrix, units.hidden, metric.ridge, backend);
    return writeEigenbasis(directory, basis, metadata);
  });
}

/** Reads the metric that was given when the run was planned. @throws InputError where it is another one by now */
async function readGivenMetric({ plan: { metric, units } }: UnitRun): Promise<Float64Array> {
  if (metric.source === 'computed') throw new RangeError('readGivenMetric: the metric is computed');
  const { matrix, sha256 } = await readMetric(metric.path, { hiddenSize: units.hidden });
  if (sha256 === metric.sha256) return matrix;
  throw new InputError(
    `${metric.path}: is another metric than the run was planned with: its SHA-256 differs. Put the former one there, or ` +
      'plan the run again with --overwrite',
  );
}

function metricRecord({ plan: { metric } }: UnitRun, file: FileRecord | undefined): MetricRecord {
  if (metric.source === 'file') return { ...metric, path: path.resolve(metric.path), file: null };
  return {
    source: 'computed',
    path: METRIC_NAME,
    tensor: 'M',
    dtype: 'float64',
    sha256: file!.sha256,
    file: file!,
    ridge: metric.ridge,
    asymmetry: null,
  };
}
