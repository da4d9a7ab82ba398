import { STRIP_ROWS } from './plan-run.js';
import { type RowRange, splitRows } from './row-ranges.js';

/** Units that all pairs of rows are divided into where there are many: their sums, [d, d'] each, are merged in order. */
const UNITS = 16;

/** Divides pairs of rows. The units depend on nothing else, least of all on the number of workers. */
export function pairUnits(pairs: number): RowRange[] {
  const strips = Math.ceil(pairs / STRIP_ROWS);
  return splitRows(pairs, Math.ceil(strips / UNITS) * STRIP_ROWS);
}
