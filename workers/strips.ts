import { dtypeBytes } from '../src/formats/dtype.js';
import type { RowSource } from '../src/input/checkpoint.js';
import { openRows } from '../src/input/rows.js';
import { foldRows } from '../src/linalg/fold.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { type RowRange, splitRows } from '../src/plan/row-ranges.js';
import { kernels } from './context.js';
import { endIfInterrupted } from './interruption.js';

/**
 * Bytes of the two regions that `forEachStrip` fills: the stored rows and their float32 values.
 * @param stripRows most rows of a strip
 */
export function stripSizes(
  source: RowSource,
  rows: RowRange,
  stripRows = STRIP_ROWS,
): { raw: number; gamma: number } {
  const elements = Math.min(stripRows, rows.count) * source.columns;
  return { raw: elements * dtypeBytes[source.dtype], gamma: elements * 4 };
}

/** Rows of a checkpoint that are read at once. */
export interface Strip {
  /** First row, in the vocabulary. */
  first: number;
  /** Number of rows. */
  count: number;
  /** Bytes of these rows, as stored. */
  stored: Uint8Array;
}

/**
 * Reads `rows` strip by strip. Before each call of `visit` the strip's rows lie as float32 [count, d] at the
 * start of `gamma`, divided by what the source says, and with its norm folded in.
 */
export async function forEachStrip(
  source: RowSource,
  rows: RowRange,
  { raw, gamma, stripRows = STRIP_ROWS }: { raw: Region; gamma: Region; stripRows?: number },
  visit: (strip: Strip) => void | Promise<void>,
): Promise<void> {
  const reader = openRows(source);
  try {
    for (const range of splitRows(rows.count, stripRows)) {
      endIfInterrupted();
      const first = rows.first + range.first;
      const elements = range.count * source.columns;
      const stored = raw.bytes.subarray(0, elements * dtypeBytes[source.dtype]);
      reader.read(first, range.count, stored);
      decodeRows(source, { raw, gamma }, elements);
      await visit({ first, count: range.count, stored });
    }
  } finally {
    reader.close();
  }
}

/** Makes of stored rows at the start of `raw` the rows that are used, float32 at the start of `gamma`. */
export function decodeRows(
  { dtype, columns, divisor, fold }: RowSource,
  { raw, gamma }: { raw: Region; gamma: Region },
  elements: number,
): void {
  decode(dtype, raw, gamma, elements);
  const rows = gamma.float32.subarray(0, elements);
  if (divisor !== undefined) divideRows(rows, columns, divisor);
  if (fold !== undefined) foldRows(rows, fold);
}

/** Decodes stored values to float32. */
function decode(dtype: RowSource['dtype'], raw: Region, gamma: Region, elements: number): void {
  switch (dtype) {
    case 'bfloat16':
      kernels.decodeBfloat16(raw.offset, gamma.offset, elements);
      return;
    case 'float16':
      kernels.decodeFloat16(raw.offset, gamma.offset, elements);
      return;
    case 'float32':
      gamma.bytes.set(raw.bytes.subarray(0, elements * 4));
      return;
  }
}

/** Divisor of a row of zeros, as PyTorch has it. */
const LEAST_NORM = 1e-12;

/**
 * Divides rows, in place, by their norms, or each column by a number of its own. Norms are float64, the quotients
 * rounded to float32 once.
 */
function divideRows(rows: Float32Array, d: number, divisor: NonNullable<RowSource['divisor']>): void {
  for (let first = 0; first < rows.length; first += d) {
    const row = rows.subarray(first, first + d);
    if (divisor === 'norm') {
      let squares = 0;
      for (let j = 0; j < d; j++) squares += row[j]! * row[j]!;
      const norm = Math.max(Math.sqrt(squares), LEAST_NORM);
      for (let j = 0; j < d; j++) row[j] = row[j]! / norm;
    } else {
      for (let j = 0; j < d; j++) row[j] = row[j]! / divisor[j]!;
    }
  }
}
