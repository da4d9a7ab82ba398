import { covarianceUnits } from './covariance-units.js';
import type { Plan } from './plan-run.js';

/** Names of the stages of a run, in their order. */
export const stageNames = ['scan', 'identity', 'covariance', 'basis', 'project', 'verify', 'finish'] as const;
/** Name of a stage. */
export type StageName = (typeof stageNames)[number];

/** Unit of a run, by the name of its stage and its number. */
export interface UnitName {
  stage: StageName;
  unit: number;
}

/** Number of a unit as names of files have it: of five digits, or more. */
export function unitNumber(unit: number): string {
  return String(unit).padStart(5, '0');
}

/** Stage of a run: units that can be computed in any order, by anybody, when all units of the stages before are done. */
export interface Stage {
  name: StageName;
  /** How many units it has, numbered from 0. */
  units: number;
  /** Rows that every unit reads or writes; null where it is not about rows. */
  rows: readonly number[] | null;
  /** Stages whose units it needs. */
  after: readonly StageName[];
}

/**
 * Lists the stages of a run. Nothing but the plan decides them, least of all how many machines there are:
 *
 *   scan        a unit a range of rows: refuses what is no number, hashes, sums
 *   identity    one unit: mean row, hash of the weights, fingerprint
 *   covariance  a unit a group of rows x a group of block columns; absent where the metric is given
 *   basis       one unit: eigenbasis, its check
 *   project     a unit a partition
 *   verify      a unit a partition: from the bytes on disk
 *   finish      one unit: judgement, tables, exports, report, manifest
 */
export function stagesOf({ rows, hidden, scans, partitions }: Plan, isMetricGiven: boolean): Stage[] {
  const one = (name: StageName, after: StageName): Stage => ({ name, units: 1, rows: null, after: [after] });
  const many = (name: StageName, counts: number[], after: StageName[]): Stage => ({
    name,
    units: counts.length,
    rows: counts,
    after,
  });
  const partitionRows = partitions.map((partition) => partition.rows.count);
  const scanned = scans.map(({ count }) => count);
  const summed = covarianceUnits(rows, hidden).map((unit) => unit.rows.count);
  return [
    many('scan', scanned, []),
    one('identity', 'scan'),
    ...(isMetricGiven ? [] : [many('covariance', summed, ['identity'])]),
    one('basis', isMetricGiven ? 'identity' : 'covariance'),
    many('project', partitionRows, ['basis']),
    many('verify', partitionRows, ['project']),
    one('finish', 'verify'),
  ];
}
