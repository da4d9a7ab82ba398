import type { Deflation } from './deflation.js';
import type { VectorPanel } from './secular.js';
import type { SizedProduct } from './sized-product.js';

/** Rows of Z that a merge takes through its product at a time. */
const STRIP = 256;

/** Length below which a stretch is copied entry by entry. */
const SHORT = 16;

/** Solution of a merge, which turns the eigenvectors of its two halves into its own. */
export interface Merge {
  /** Order of the merge. */
  size: number;
  deflation: Deflation;
  /** Eigenvectors of the secular equation. */
  panels: readonly VectorPanel[];
  /** Column of the merge that each eigenvector becomes, [count]. */
  rootTargets: Int32Array;
  /** Column of the merge that each of deflation.deflatedColumns becomes. */
  deflatedTargets: Int32Array;
  /** Scratch of as many values as mergeScratch says. */
  scratch: Float64Array;
  product: SizedProduct;
}

/** Number of scratch values that mergeRows needs. */
export function mergeScratch(size: number, deflation: Deflation): number {
  const lower = deflation.columns.length - deflation.upperOnly;
  return Math.min(STRIP, size) * (Math.max(deflation.upper, lower) + size);
}

/** Consecutive rows of Z, all in one half of a merge. */
export interface MergedRows {
  /** Row-major, `stride` values a row. */
  z: Float64Array;
  stride: number;
  /** Index in z at which the merge's part of the first row begins. */
  at: number;
  /** Number of rows. */
  rows: number;
}

/** Takes rows of Z from the halves' eigenvectors to the merge's, in place. */
export async function mergeRows(
  { z, stride, at, rows }: MergedRows,
  half: 'upper' | 'lower',
  merge: Merge,
): Promise<void> {
  const { deflation, panels, rootTargets, deflatedTargets } = merge;
  const { columns, upper, upperOnly } = deflation;
  const move = {
    // The other half's columns are zero in these rows.
    used: stretches(half === 'upper' ? columns.subarray(0, upper) : columns.subarray(upperOnly)),
    deflated: stretches(deflation.deflatedColumns),
    toRoots: panels.map(({ first, columns: width }) => stretches(rootTargets.subarray(first, first + width))),
    toDeflated: stretches(deflatedTargets),
    firstVector: half === 'upper' ? 0 : upperOnly,
    inner: half === 'upper' ? upper : columns.length - upperOnly,
  };
  for (let row = 0; row < rows; row += STRIP) {
    const strip = { z, stride, at: at + row * stride, rows: Math.min(STRIP, rows - row) };
    await mergeStrip(strip, merge, move);
  }
}

/** Columns of Z that a half takes its new columns from, and where these go. */
interface Move {
  used: Stretch[];
  deflated: Stretch[];
  /** Of each panel. */
  toRoots: Stretch[][];
  toDeflated: Stretch[];
  /** First row of the panels that belongs to a used column. */
  firstVector: number;
  /** Number of used columns. */
  inner: number;
}

async function mergeStrip(
  { z, stride, at, rows }: MergedRows,
  { size, deflation, panels, scratch, product }: Merge,
  { used, deflated, toRoots, toDeflated, firstVector, inner }: Move,
): Promise<void> {
  const count = deflation.columns.length;
  const solved = size - count;
  const left = scratch.subarray(0, rows * inner);
  const out = scratch.subarray(rows * inner, rows * (inner + count));
  const kept = scratch.subarray(rows * (inner + count), rows * (inner + size));
  for (let i = 0; i < rows; i++) {
    const row = at + i * stride;
    rotate(z, row, deflation);
    for (const stretch of used) gather({ values: z, at: row }, stretch, { values: left, at: i * inner });
    for (const stretch of deflated) gather({ values: z, at: row }, stretch, { values: kept, at: i * solved });
  }
  for (const [k, { columns, values }] of panels.entries()) {
    // What one panel gives is in its place before the next one needs the memory: `left` holds what all of them need.
    const part = out.subarray(0, rows * columns);
    part.fill(0);
    if (inner > 0) {
      await product.accumulate(
        { values: left, rows, columns: inner },
        {
          values: values.subarray(firstVector * columns, (firstVector + inner) * columns),
          rows: inner,
          columns,
        },
        { values: part, rows, columns },
      );
    }
    for (let i = 0; i < rows; i++) {
      for (const stretch of toRoots[k]!)
        scatter({ values: part, at: i * columns }, stretch, { values: z, at: at + i * stride });
    }
  }
  for (let i = 0; i < rows; i++) {
    for (const stretch of toDeflated)
      scatter({ values: kept, at: i * solved }, stretch, { values: z, at: at + i * stride });
  }
}

/** Rotates the columns of the row that begins at `row` of Z. */
function rotate(z: Float64Array, row: number, { rotations }: Deflation): void {
  for (const { low, high, c, s } of rotations) {
    const zLow = z[row + low]!;
    const zHigh = z[row + high]!;
    z[row + low] = c * zLow + s * zHigh;
    z[row + high] = c * zHigh - s * zLow;
  }
}

/** Stretch of consecutive entries of a list of columns that are consecutive columns, too. */
interface Stretch {
  index: number;
  column: number;
  length: number;
}

function stretches(columns: Int32Array): Stretch[] {
  const out: Stretch[] = [];
  for (let index = 0; index < columns.length; ) {
    const column = columns[index]!;
    let length = 1;
    while (index + length < columns.length && columns[index + length] === column + length) length++;
    out.push({ index, column, length });
    index += length;
  }
  return out;
}

/** Where values begin in an array. */
interface Place {
  values: Float64Array;
  at: number;
}

/** Copies `length` values: a few one by one, since a view of them takes longer to make. */
function copy(from: Place, to: Place, length: number): void {
  if (length >= SHORT) to.values.set(from.values.subarray(from.at, from.at + length), to.at);
  else for (let k = 0; k < length; k++) to.values[to.at + k] = from.values[from.at + k]!;
}

/** Copies a stretch of a row of Z, which begins at `row`, into the list that begins at `list`. */
function gather({ values, at: row }: Place, { index, column, length }: Stretch, list: Place): void {
  copy({ values, at: row + column }, { values: list.values, at: list.at + index }, length);
}

/** Copies a stretch of a list into a row of Z. */
function scatter(list: Place, { index, column, length }: Stretch, { values, at: row }: Place): void {
  copy({ values: list.values, at: list.at + index }, { values, at: row + column }, length);
}
