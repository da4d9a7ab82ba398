import { dtypeBytes } from '../formats/dtype.js';
import type { RowSource } from '../input/checkpoint.js';
import { SUMMED_ROWS } from '../linalg/product-shapes.js';
import type { RunPlan } from '../output/run-plan.js';
import { covarianceLength } from '../plan/covariance-blocks.js';
import { covarianceUnits } from '../plan/covariance-units.js';
import { type Plan, STRIP_ROWS } from '../plan/plan-run.js';
import { projectionLanes } from '../plan/projection-lanes.js';
import { type StageName, stagesOf } from '../plan/stages.js';
import { tablePartBytes } from '../tables/part-arrays.js';
import { COORDINATOR_MATRICES, memoryBytes, PROCESS_BYTES, WORKER_BYTES } from './peak-memory.js';

/** What decides the needs of a run beside its plan. */
export interface RunShape {
  dtype: RowSource['dtype'];
  /** Threads of a process. */
  workers: number;
  computesMetric: boolean;
  /** Whether rows have weights of their own. */
  isWeighted: boolean;
  /** Tokens in each list of the tables; null where there are none. */
  top: number | null;
}

/** What a stage needs of a machine, about. */
export interface StageNeed {
  stage: StageName;
  /** Memory of a process. */
  memoryBytes: number;
  /** What its units leave on the disk for later stages, until the run is finished. */
  partBytes: number;
}

/** Estimates what each stage of a run needs: memory of each process that takes part in it, on this machine, and disk. */
export function stageNeeds(plan: Plan, shape: RunShape): StageNeed[] {
  const { rows, hidden: d, partitionRows, scans, partitions } = plan;
  const { dtype, workers, computesMetric, isWeighted, top } = shape;
  const strip = Math.min(STRIP_ROWS, rows) * d;
  const read = strip * (dtypeBytes[dtype] + 4);
  const summed = Math.min(SUMMED_ROWS, rows) * d;
  const partition = partitionRows * d * 4;
  const square = d * d * 8;
  const formats = [partitions[0]!.parquet, partitions[0]!.arrow].filter((file) => file !== null).length;
  const units = computesMetric ? covarianceUnits(rows, d) : [];
  const sums = units.map(({ columns }) => covarianceLength(d, columns) * 8);
  const tables = top === null ? 0 : tablePartBytes({ rows: partitionRows, d, top });
  const hashes = top === null ? 0 : 8;
  const weights = isWeighted ? rows * 8 : 0;
  const inThreads = (bytes: number, busy = workers) => PROCESS_BYTES + workers * WORKER_BYTES + busy * bytes;
  const { lanes } = projectionLanes(d, workers, memoryBytes());
  const needs: Record<StageName, Omit<StageNeed, 'stage'>> = {
    scan: { memoryBytes: inThreads(read + d * 16), partBytes: scans.length * d * 8 + rows * hashes },
    identity: {
      memoryBytes: (isWeighted ? inThreads(read + rows * 8) : PROCESS_BYTES) + rows * hashes * 2,
      partBytes: d * 8 + weights,
    },
    covariance: {
      memoryBytes: inThreads(
        summed * (dtypeBytes[dtype] + 4 + (isWeighted ? 2 : 1) * 8) + Math.max(0, ...sums),
      ),
      partBytes: sums.reduce((sum, bytes) => sum + bytes, 0),
    },
    basis: { memoryBytes: PROCESS_BYTES + COORDINATOR_MATRICES * square, partBytes: d * 32 },
    project: { memoryBytes: inThreads(read + formats * partition + square / 2, lanes), partBytes: 0 },
    verify: {
      memoryBytes: inThreads(read + 2 * partition + 2 * tables),
      partBytes: partitions.length * (tables + d * 40),
    },
    finish: {
      memoryBytes:
        // A thread that judges has the eigenvectors a second time.
        PROCESS_BYTES +
        WORKER_BYTES +
        square +
        (top === null ? 0 : tablePartBytes({ rows, d, top }) + tables),
      partBytes: 0,
    },
  };
  return stagesOf(plan, !computesMetric).map(({ name }) => ({ stage: name, ...needs[name] }));
}

/** Estimates what each stage of a planned run needs. @param workers threads of a process */
export function needsOfRun(
  { units, identity, checkpoint, metric, weights }: RunPlan,
  workers: number,
): StageNeed[] {
  return stageNeeds(units, {
    dtype: checkpoint.source.dtype,
    workers,
    computesMetric: metric.source === 'computed',
    isWeighted: weights !== undefined,
    top: identity.tables?.top ?? null,
  });
}

/** What all units of a run leave on the disk for later stages. */
export function allPartBytes(plan: Plan, shape: Omit<RunShape, 'workers'>): number {
  return stageNeeds(plan, { ...shape, workers: 1 }).reduce((sum, { partBytes }) => sum + partBytes, 0);
}
