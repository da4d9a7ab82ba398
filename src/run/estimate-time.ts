import type { Plan } from '../plan/plan-run.js';
import type { Pace, Rates } from './measure-rates.js';

/** What a run does beside its plan. */
export interface Workload {
  workers: number;
  computesMetric: boolean;
  /** Passes through the rows that their weights take. */
  weightPasses: number;
  /** Of partitions and exports, which must be on the disk before the run is finished. */
  dataBytes: number;
  /** The most that the tables, and the report, may take; 0 where there are none. */
  tableBytes: number;
  reportBytes: number;
}

/** Time of a symmetric product, of which half is computed, in whole blocks, as a part of another product's. */
const SYMMETRIC_PART = 0.65;

/** Estimates the seconds of each stage of a run from the pace of this machine. */
export function estimateTime(
  { scans, partitions }: Pick<Plan, 'scans' | 'partitions'>,
  { startUp, paces, product, eigh, tablesPerByte, reportPerByte, syncPerByte }: Rates,
  { workers, computesMetric, weightPasses, dataBytes, tableBytes, reportBytes }: Workload,
): Record<string, number> {
  const ranges = scans.map(({ count }) => count);
  const parts = partitions.map(({ rows }) => rows.count);
  const seconds = (tasks: readonly number[], { task, row }: Pace) =>
    longestLane(
      tasks.map((rows) => task + rows * row),
      workers,
    );
  return {
    'start-up': startUp,
    scan: seconds(ranges, paces.scan),
    ...(weightPasses > 0 ? { weights: weightPasses * seconds(ranges, paces.scan) } : {}),
    ...(computesMetric ? { covariance: seconds(ranges, paces.covariance) } : {}),
    eigenbasis: eigh,
    // M = V diag(lambda) V^T.
    ...(computesMetric ? { metric: SYMMETRIC_PART * product } : {}),
    // V^T V.
    'basis check': SYMMETRIC_PART * product,
    projection: seconds(parts, paces.projection),
    // Beside it, what was written goes to the disk.
    verification: Math.max(seconds(parts, paces.verification), dataBytes * syncPerByte),
    ...(paces.export.row > 0 ? { export: seconds(parts, paces.export) } : {}),
    ...(tableBytes > 0 ? { tables: tableBytes * tablesPerByte } : {}),
    ...(reportBytes > 0 ? { report: reportBytes * reportPerByte } : {}),
  };
}

/** The time of the busiest of several lanes, each of which takes the next task as soon as it has none. */
function longestLane(tasks: readonly number[], lanes: number): number {
  const busy = new Float64Array(Math.max(1, Math.min(lanes, tasks.length)));
  const least = () => busy.reduce((a, b) => Math.min(a, b));
  for (const seconds of tasks) busy[busy.indexOf(least())]! += seconds;
  return busy.reduce((a, b) => Math.max(a, b));
}
