import { covarianceLength } from '../../src/plan/covariance-blocks.js';
import { covarianceUnits } from '../../src/plan/covariance-units.js';
import { planRun } from '../../src/plan/plan-run.js';
import { stagesOf } from '../../src/plan/stages.js';
import { stageNeeds } from '../../src/run/stage-needs.js';
import type { StageCost, UnitCost } from './simulate.js';

/** Rates of one thread while all threads of the machine are busy, and what does not depend on threads. */
export interface CoreRates {
  /** Operations a second of products in float32 and float64. */
  float32: number;
  float64: number;
  /** Operations a second of the eigensolver, 9 d^3, on a machine: more threads than were measured are not counted on. */
  eigh: number;
  /** Bytes a second of the checkpoint that are scanned, and of projections that are verified and tabulated. */
  scan: number;
  verify: number;
  /** Seconds of tables and report for each token and each eigenvector. */
  token: number;
  eigenvector: number;
  /** Bytes a second of the parts that the last stage merges. */
  merge: number;
  /** Seconds of a process that has nothing to compute. */
  startUp: number;
}

/** What a run is of: V rows of d numbers in bfloat16, its metric computed, with all tables. */
export interface RunSize {
  rows: number;
  hidden: number;
  partitionRows: number;
}

/** Estimates what the stages of a run take. @param threads of a machine, which the stages of one unit share */
export function costsOfSize(
  { rows, hidden: d, partitionRows }: RunSize,
  rates: CoreRates,
  threads: number,
): StageCost[] {
  const plan = planRun({ rows, hidden: d, partitionRows, format: 'parquet' });
  const needs = stageNeeds(plan, {
    dtype: 'bfloat16',
    workers: threads,
    computesMetric: true,
    isWeighted: false,
    top: 20,
  });
  const partBytes = (name: string) => needs.find(({ stage }) => stage === name)!.partBytes;
  const sums = covarianceUnits(rows, d).map(({ columns }) => covarianceLength(d, columns));
  const square = d * d;
  const unit: Record<string, (count: number, unit: number) => UnitCost> = {
    scan: (count) => ({ seconds: (count * d * 2) / rates.scan, bytes: count * d * 2 }),
    identity: () => ({ seconds: 0, bytes: partBytes('scan') }),
    covariance: (count, k) => ({
      seconds: (2 * count * sums[k]!) / rates.float64,
      bytes: count * d * 2 + sums[k]! * 8,
    }),
    basis: () => ({
      // M = V diag(lambda) V^T, and, to check, V^T V and C V.
      seconds: (9 * d ** 3) / rates.eigh + (6 * d ** 3) / (rates.float64 * threads),
      // Eigenvectors in float32, M and C in float64.
      bytes: partBytes('covariance') + square * 20,
    }),
    project: (count) => ({ seconds: (2 * count * square) / rates.float32, bytes: count * d * 6 }),
    verify: (count) => ({
      seconds: (count * d * 4) / rates.verify,
      bytes: count * d * 6 + partBytes('verify') / plan.partitions.length,
    }),
    finish: () => ({
      seconds: rows * rates.token + d * rates.eigenvector + partBytes('verify') / rates.merge,
      bytes: partBytes('verify') + partBytes('scan'),
    }),
  };
  return stagesOf(plan, false).map(({ name, units, rows: counts }) => ({
    name,
    units: Array.from({ length: units }, (_, k) => unit[name]!(counts?.[k] ?? 0, k)),
    processBytes: name === 'project' ? square * 4 : 0,
    startUp: rates.startUp,
    crowding: 1,
  }));
}
