import path from 'node:path';
import { type BasisCheck, checkBasis, type Operator } from '../checks/basis-check.js';
import type { FileRecord } from '../files/file-record.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric, metricOf } from '../linalg/eigenbasis.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import { type EigenbasisOnDisk, readEigenbasis, writeEigenbasis } from '../output/eigenbasis-file.js';
import type { MetricRecord } from '../output/manifest.js';
import { METRIC_NAME, readCovariance, writeMetric } from '../output/metric-file.js';
import type { BegunRun } from './begun-run.js';
import { computeCovariance } from './covariance.js';
import type { IntactUnits } from './intact-units.js';
import type { RunMetric } from './prepare-run.js';

/** The basis of a run as it was read back from disk, and what became of identity 1. */
export interface Basis {
  stored: EigenbasisOnDisk;
  file: FileRecord;
  metric: MetricRecord;
  check: BasisCheck;
}

/** A basis that has been written, and the matrix [d, d] that it must diagonalise. */
interface WrittenBasis extends Pick<Basis, 'file' | 'metric'> {
  operator: Operator;
}

/**
 * The basis of a run: what is intact on disk, or else computed, written and recorded. The matrix of a given metric is
 * freed.
 */
export async function obtainBasis(run: BegunRun, intact: IntactUnits): Promise<Basis> {
  const { prepared, directory, context } = run;
  const { file, metric, operator } =
    prepared.metric.source === 'computed'
      ? await basisOfCheckpoint(run, prepared.metric.ridge, intact)
      : await basisOfMetric(run, prepared.metric, intact);
  const [stored, check] = await context.stopwatch.time('basis check', undefined, async () => {
    const read = await readEigenbasis(directory.path, prepared.plan.hidden, file);
    return [read, await checkBasis(read, operator)] as const;
  });
  freeBuffer(operator.matrix.buffer as ArrayBuffer);
  return { stored, file, metric, check };
}

/** From the checkpoint's own covariance, which is saved with its metric. @param ridge rho */
async function basisOfCheckpoint(run: BegunRun, ridge: number, intact: IntactUnits): Promise<WrittenBasis> {
  const { prepared, directory, context } = run;
  const { plan, scan, backend, metadata } = prepared;
  const d = plan.hidden;
  if (intact.eigenbasis !== undefined && intact.metric !== undefined) {
    const matrix = await readCovariance(directory.path, d);
    const metric = computedMetric(ridge, intact.metric.file);
    return { file: intact.eigenbasis.file, metric, operator: { symbol: 'C', matrix } };
  }
  const covariance = await computeCovariance(prepared, context);
  const { stopwatch } = context;
  const basis = await stopwatch.time('eigenbasis', undefined, () =>
    eigenbasisOfCovariance(covariance, d, ridge, backend),
  );
  // First: of a large d, it is what took the longest.
  const file = writeEigenbasis(directory.path, basis, metadata);
  directory.record({ step: 'eigenbasis', file });
  const metricFile = await stopwatch.time('metric', undefined, async () =>
    writeMetric(
      directory.path,
      { metric: await metricOf(basis, d, backend), covariance, mean: scan.mean },
      { ...metadata, ridge: String(ridge) },
    ),
  );
  directory.record({ step: 'metric', file: metricFile });
  return {
    file,
    metric: computedMetric(ridge, metricFile),
    operator: { symbol: 'C', matrix: covariance },
  };
}

async function basisOfMetric(
  { prepared, directory, context }: BegunRun,
  given: Extract<RunMetric, { source: 'file' }>,
  intact: IntactUnits,
): Promise<WrittenBasis> {
  const { plan, backend, metadata } = prepared;
  const { matrix, file: place, ...described } = given;
  const metric = { ...described, path: path.resolve(place), file: null };
  const operator = { symbol: 'M', matrix } as const;
  if (intact.eigenbasis !== undefined) return { file: intact.eigenbasis.file, metric, operator };
  const file = await context.stopwatch.time('eigenbasis', undefined, async () => {
    const basis = await eigenbasisOfMetric(matrix, plan.hidden, given.ridge, backend);
    return writeEigenbasis(directory.path, basis, metadata);
  });
  directory.record({ step: 'eigenbasis', file });
  return { file, metric, operator };
}

function computedMetric(ridge: number, file: FileRecord): MetricRecord {
  const { sha256 } = file;
  return {
    source: 'computed',
    path: METRIC_NAME,
    tensor: 'M',
    dtype: 'float64',
    sha256,
    file,
    ridge,
    asymmetry: null,
  };
}
