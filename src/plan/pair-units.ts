import { STRIP_ROWS } from './plan-run.js';
import { type RowRange, splitRows } from './row-ranges.js';

/** Units that all pairs of rows are divided into where there are many: their sums, [d, d'] each, are merged in order. */
const UNITS = 16;

/** Rows of a step of a series that a unit has at least: there are many steps, and each of its units is sent and merged. */
const LEAST_STEP_ROWS = 20 * STRIP_ROWS;

/** Divides pairs of rows. The units depend on nothing else, least of all on the number of workers. */
export function pairUnits(pairs: number): RowRange[] {
  return splitRows(pairs, unitRows(pairs));
}

/** Divides the rows of a step of a series, as coarsely as is worth while. */
export function stepUnits(rows: number): RowRange[] {
  return splitRows(rows, Math.max(LEAST_STEP_ROWS, unitRows(rows)));
}

function unitRows(pairs: number): number {
  return Math.ceil(Math.ceil(pairs / STRIP_ROWS) / UNITS) * STRIP_ROWS;
}
