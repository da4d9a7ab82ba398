import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import {
  type DisplacementPart,
  type DisplacementSums,
  emptyDisplacementPart,
  emptyDisplacementSums,
} from '../src/tables/displacement-part.js';
import { memory } from './context.js';
import { eigenvectorValues } from './eigenvector-values.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

type Input = Tasks['displacements']['input'];

/** Measures delta_i = b_i - a_i of pairs of rows, in float64. */
export async function displacements(input: Input): Promise<Tasks['displacements']['result']> {
  const { rows, left, right, eigenvectors, bands, backend } = input;
  const d = left.source.columns;
  const strip = Math.min(STRIP_ROWS, rows.count);
  const [leftStrip, rightStrip] = [stripSizes(left.source, rows), stripSizes(right.source, rows)];
  const regions = memory.allot({
    leftRaw: leftStrip.raw,
    leftGamma: leftStrip.gamma,
    rightRaw: rightStrip.raw,
    rightGamma: rightStrip.gamma,
    delta: strip * d * 8,
    coordinates: strip * d * 8,
  });
  const part = emptyDisplacementPart(rows.count, bands.length);
  const sums = emptyDisplacementSums(d);
  const leftRows = openPicked(left, { raw: regions.leftRaw, gamma: regions.leftGamma });
  const rightRows = openPicked(right, { raw: regions.rightRaw, gamma: regions.rightGamma });
  const hasSteps = left.source.dtype === 'bfloat16' && right.source.dtype === 'bfloat16';
  const product = await (await openBackend(backend)).product(1);
  let worst = 0;
  try {
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      const stored = [leftRows.read(first, count), rightRows.read(first, count)] as const;
      const [a, b, delta] = [regions.leftGamma.float32, regions.rightGamma.float32, regions.delta.float64];
      for (let k = 0; k < count * d; k++) delta[k] = b[k]! - a[k]!;
      const y = regions.coordinates.float64.subarray(0, count * d);
      await product.multiply(
        { values: delta.subarray(0, count * d), rows: count, columns: d },
        eigenvectorValues(eigenvectors),
        { values: y, rows: count, columns: d },
      );
      for (let i = 0; i < count; i++) {
        const row = { at: i * d, a, b, delta, y };
        worst = worse(worst, measure(input, row, part, first + i));
        addSums(sums, row, part.norm[first + i]!);
      }
      if (hasSteps) countSteps(stored, part, { first, count, d });
      else {
        part.steps.fill(-1, first, first + count);
        part.mostSteps.fill(-1, first, first + count);
      }
      rowsReport.advance(count);
    }
  } finally {
    await product.release();
    leftRows.close();
    rightRows.close();
  }
  return { part, sums, coordinates: worst };
}

/** One pair of rows in its strip. */
interface PairedRow {
  /** Where the row begins. */
  at: number;
  a: Float32Array;
  b: Float32Array;
  delta: Float64Array;
  /** delta V */
  y: Float64Array;
}

/** Fills the figures of a displacement. @returns how far its coordinates are off, relative to its square */
function measure(
  { eigenvalues, direction, bands }: Input,
  { at, a, b, delta, y }: PairedRow,
  part: DisplacementPart,
  place: number,
): number {
  const d = eigenvalues.length;
  // One by one: a loop over all numbers of a vocabulary must not make arrays.
  let squares = 0;
  let aSquares = 0;
  let bSquares = 0;
  let product = 0;
  let along = 0;
  let causal = 0;
  let coordinates = 0;
  for (let j = 0; j < d; j++) {
    const x = a[at + j]!;
    const z = b[at + j]!;
    const change = delta[at + j]!;
    const coordinate = y[at + j]!;
    squares += change * change;
    aSquares += x * x;
    bSquares += z * z;
    product += x * z;
    along += change * direction[j]!;
    causal += eigenvalues[j]! * coordinate * coordinate;
    coordinates += coordinate * coordinate;
  }
  part.norm[place] = Math.sqrt(squares);
  part.endNorm[place] = Math.sqrt(bSquares);
  part.causalNorm[place] = Math.sqrt(causal);
  // Of a row that has not moved the cosine is 1, whatever rounding makes of it.
  part.cosine[place] =
    squares === 0 && aSquares > 0 ? 1 : product / (Math.sqrt(aSquares) * Math.sqrt(bSquares));
  part.meanShare[place] = (along * along) / squares;
  for (let band = 0; band < bands.length; band++) {
    const { first, count } = bands[band]!;
    let share = 0;
    for (let j = first; j < first + count; j++) share += y[at + j]! * y[at + j]!;
    part.bandShares[place * bands.length + band] = share / coordinates;
  }
  return squares === 0 ? 0 : Math.abs(coordinates - squares) / squares;
}

function addSums({ sum, units, squares }: DisplacementSums, { at, delta, y }: PairedRow, norm: number): void {
  const d = sum.length;
  if (norm === 0) return;
  for (let j = 0; j < d; j++) {
    const change = delta[at + j]!;
    const coordinate = y[at + j]!;
    sum[j]! += change;
    units[j]! += change / norm;
    squares[j]! += coordinate * coordinate;
  }
}

/** Number of a bfloat16 among all in order: neighbours differ by 1, and both zeros are one. */
function order(bits: number): number {
  return bits < 0x8000 ? bits : 0x8000 - bits;
}

/** Counts the steps between stored rows. */
function countSteps(
  [left, right]: readonly [Uint8Array, Uint8Array],
  part: DisplacementPart,
  { first, count, d }: { first: number; count: number; d: number },
): void {
  const [a, b] = [left, right].map(
    ({ buffer, byteOffset }) => new Uint16Array(buffer, byteOffset, count * d),
  ) as [Uint16Array, Uint16Array];
  for (let i = 0; i < count; i++) {
    let all = 0;
    let most = 0;
    for (let k = i * d; k < (i + 1) * d; k++) {
      const way = order(b[k]!) - order(a[k]!);
      const steps = way < 0 ? -way : way;
      all += steps;
      if (steps > most) most = steps;
    }
    part.steps[first + i] = all;
    part.mostSteps[first + i] = most;
  }
}

/** The larger of two deviations; one that is no number stays. */
function worse(worst: number, deviation: number): number {
  return Number.isNaN(worst) || !(deviation <= worst) ? deviation : worst;
}
