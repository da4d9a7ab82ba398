import { InputError } from '../errors.js';
import { addTo } from '../linalg/add-to.js';
import { foldCovariance } from '../linalg/fold.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import { unpackCovariance } from '../linalg/unpack-covariance.js';
import type { DoneRecord } from '../output/done-records.js';
import { isPartIntact, partName } from '../output/part-file.js';
import { recordsOfStage } from '../output/run-records.js';
import { hasAllArrays, partOf } from '../output/unit-parts.js';
import { covarianceLength } from '../plan/covariance-blocks.js';
import { covarianceUnits } from '../plan/covariance-units.js';
import { inOrder } from '../plan/in-order.js';
import type { RunContext } from './context.js';
import { computeUnits, type UnitRun, withdrawUnit } from './unit-run.js';

/**
 * Computes, on the pool, the units of the covariance that are not done, or whose sums are damaged, and merges all of them as
 * `mergeCovariance` does, while others are being computed.
 */
export async function computeCovariance(
  run: UnitRun,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<Float64Array> {
  const { rows, hidden } = run.plan.units;
  const records = recordsOfStage(run.store, run.plan, 'covariance');
  const lost = records.filter(
    (record) => record.part === null || !hasAllArrays(record) || !isPartIntact(run.store, record.part),
  );
  for (const record of lost) withdrawUnit(run, record);
  const intact = records.filter((record) => !lost.includes(record));
  const done = new Set(intact.map(({ unit }) => unit));
  const all = covarianceUnits(rows, hidden);
  const units = [...all.keys()].filter((unit) => !done.has(unit));
  const merging = new CovarianceInTheMaking(run);
  for (const record of intact) merging.add(record);
  if (units.length === 0) return merging.covariance();
  // A row counts in every group of columns.
  const total = units.reduce((sum, unit) => sum + all[unit]!.rows.count, 0);
  await stopwatch.time('covariance', rows, (advance) => {
    let counted = 0;
    const onRows = (more: number) => {
      const before = Math.floor((counted * rows) / total);
      counted += more;
      advance(Math.floor((counted * rows) / total) - before);
    };
    return computeUnits(run, { stage: 'covariance', units }, { executor, onRows }, (record) =>
      merging.add(record),
    );
  });
  return merging.covariance();
}

/**
 * Merges C = (1/V) sum_i (gamma_i - mu)(gamma_i - mu)^T, [d, d], float64, from what its units have left, in their order, so
 * that its bits depend neither on the workers nor on the partitions. Divisor V, not V - 1. Where rows are weighed, their weights
 * stand for 1/V. A final norm is folded into it.
 *
 * @throws InputError where what a unit has left is damaged: then it is withdrawn
 */
export function mergeCovariance(run: UnitRun): Float64Array {
  const merging = new CovarianceInTheMaking(run);
  for (const record of recordsOfStage(run.store, run.plan, 'covariance')) merging.add(record);
  return merging.covariance();
}

/** Covariance of which some units are merged. */
class CovarianceInTheMaking {
  readonly #matrix: Float64Array;
  /** Takes what units have left, in any order, and merges it in theirs. */
  readonly #take: (record: DoneRecord, unit: number) => void;
  /** Units that are not merged yet. */
  #left: number;

  constructor(run: UnitRun) {
    const { rows, hidden: d } = run.plan.units;
    const units = covarianceUnits(rows, d);
    // Weights are divided already: their sum is 1.
    const divisor = run.plan.weights === undefined ? rows : 1;
    const matrix = new Float64Array(d * d);
    let sums = new Float64Array(0);
    this.#matrix = matrix;
    this.#left = units.length;
    this.#take = inOrder((record, unit) => {
      const { rows: range, columns } = units[unit]!;
      const blocks = blocksOf(run, record, covarianceLength(d, columns));
      if (range.first === 0) sums = blocks;
      else {
        addTo(sums, blocks);
        freeBuffer(blocks.buffer);
      }
      if (range.first + range.count === rows) unpackCovariance(sums, columns, { matrix, d, divisor });
      this.#left--;
      const { fold } = run.plan.checkpoint.source;
      if (this.#left === 0 && fold !== undefined) foldCovariance(matrix, fold);
    });
  }

  /** Takes what a unit has left. @throws InputError where it is damaged: then it is withdrawn */
  add(record: DoneRecord): void {
    this.#take(record, record.unit);
  }

  /** C, [d, d]. @throws RangeError where a unit has not been taken */
  covariance(): Float64Array {
    if (this.#left > 0) throw new RangeError(`${this.#left} units of the covariance are missing`);
    return this.#matrix;
  }
}

/** Removes what the units have left, when the basis of it is recorded: nobody needs it any more. */
export function dropCovariance({ store, plan }: Pick<UnitRun, 'store' | 'plan'>): void {
  for (const unit of covarianceUnits(plan.units.rows, plan.units.hidden).keys())
    store.remove(partName({ stage: 'covariance', unit }));
}

/** The sums that a unit has left. @param length values that they must be */
function blocksOf(run: UnitRun, record: DoneRecord, length: number): Float64Array<ArrayBuffer> {
  try {
    const { outerSums } = partOf(run.store, record);
    if (outerSums?.length === length) return outerSums as Float64Array<ArrayBuffer>;
    throw new InputError(
      `${record.part?.path}: holds ${outerSums?.length ?? 0} sums, where its unit has ${length}: another version has ` +
        'written it. Run the same command again: its unit is made again',
    );
  } catch (error) {
    // Whoever goes on computes it again.
    withdrawUnit(run, record);
    throw error;
  }
}
