import { type BasisCheck, checkBasis } from '../checks/basis-check.js';
import type { FileRecord } from '../executor/tasks.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric, metricOf } from '../linalg/eigenbasis.js';
import { readEigenbasis, type StoredEigenbasis, writeEigenbasis } from '../output/eigenbasis-file.js';
import { LAYOUT_VERSION } from '../output/manifest.js';
import { readCovariance, writeMetric } from '../output/metric-file.js';
import type { RunDirectory } from '../output/run-directory.js';
import type { RunContext } from './context.js';
import { computeCovariance } from './covariance.js';
import { fileMetadata } from './fingerprint.js';
import type { ProvenSteps } from './intact-units.js';
import type { GivenMetric, Job } from './prepare-run.js';

/** The basis of a run as it was read back from disk, and what became of identity 1. */
export interface Basis {
  stored: StoredEigenbasis;
  file: FileRecord;
  /** Record of metric.safetensors; null where the metric was given. */
  metricFile: FileRecord | null;
  check: BasisCheck;
}

/** A basis that has been written, and the matrix [d, d] that it must diagonalise. */
interface WrittenBasis {
  file: FileRecord;
  metricFile: FileRecord | null;
  operator: { symbol: 'C' | 'M'; matrix: Float64Array };
}

/** The basis of a run: what is proven to lie on disk, or else computed, written and recorded. */
export async function obtainBasis(
  job: Job,
  proven: ProvenSteps,
  directory: RunDirectory,
  context: RunContext,
): Promise<Basis> {
  const { file, metricFile, operator } =
    job.metric === null
      ? await basisOfCheckpoint(job, proven, directory, context)
      : await basisOfMetric(job, job.metric, proven, directory, context);
  const stored = await readEigenbasis(directory.path, job.plan.hidden, file);
  const check = await context.stopwatch.time('basis check', undefined, () => checkBasis(stored, operator));
  return { stored, file, metricFile, check };
}

/** From the checkpoint's own covariance, which is saved with its metric. */
async function basisOfCheckpoint(
  job: Job,
  proven: ProvenSteps,
  directory: RunDirectory,
  { executor, stopwatch }: RunContext,
): Promise<WrittenBasis> {
  const { plan, checkpoint, scan } = job;
  const d = plan.hidden;
  if (proven.eigenbasis !== undefined && proven.metric !== undefined) {
    const matrix = await readCovariance(directory.path, d);
    const [file, metricFile] = [proven.eigenbasis.file, proven.metric.file];
    return { file, metricFile, operator: { symbol: 'C', matrix } };
  }
  const ridge = job.ridge!;
  const covariance = await stopwatch.time('covariance', plan.rows, (advance) =>
    computeCovariance(executor, checkpoint.source, plan.scans, scan.mean, job.kernels.choice, advance),
  );
  const basis = await stopwatch.time('eigenbasis', undefined, () =>
    eigenbasisOfCovariance(covariance, d, ridge, job.kernels),
  );
  const metadata = fileMetadata(job.fingerprint, LAYOUT_VERSION, job.name);
  const metricFile = writeMetric(
    directory.path,
    { metric: await metricOf(basis, d, job.kernels), covariance, mean: scan.mean },
    { ...metadata, ridge: String(ridge) },
  );
  directory.record({ step: 'metric', file: metricFile });
  const file = writeEigenbasis(directory.path, basis, metadata);
  directory.record({ step: 'eigenbasis', file });
  return { file, metricFile, operator: { symbol: 'C', matrix: covariance } };
}

async function basisOfMetric(
  job: Job,
  metric: GivenMetric,
  proven: ProvenSteps,
  directory: RunDirectory,
  { stopwatch }: RunContext,
): Promise<WrittenBasis> {
  const operator = { symbol: 'M', matrix: metric.takeMatrix() } as const;
  if (proven.eigenbasis !== undefined) return { file: proven.eigenbasis.file, metricFile: null, operator };
  const basis = await stopwatch.time('eigenbasis', undefined, () =>
    eigenbasisOfMetric(operator.matrix, job.plan.hidden, job.ridge, job.kernels),
  );
  const metadata = fileMetadata(job.fingerprint, LAYOUT_VERSION, job.name);
  const file = writeEigenbasis(directory.path, basis, metadata);
  directory.record({ step: 'eigenbasis', file });
  return { file, metricFile: null, operator };
}
