import type { ExecutionContext } from 'ava';
import test from 'ava';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { loadRowKernels } from '../../../src/linalg/kernels/row-kernels.js';
import { randomFloat32, randomFloat64 } from '../../helpers/random.js';

const memory = new KernelMemory('');
const kernels = loadRowKernels(memory);

/** Around the widths of the kernels' steps: 2, 4, 8 and 16. */
const rowCounts = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33];
const columnCounts = [1, 2, 3, 4, 5, 8, 31, 64];

/** What no kernel may write over. */
const GUARD = 0xa5;

/** float16 by its definition. */
function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = (half & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

const allHalves = Uint16Array.from({ length: 65_536 }, (_, half) => half);

/** Decodes `halves` in calls of `step` values. */
function decode(
  kernel: 'decodeBfloat16' | 'decodeFloat16',
  halves: Uint16Array,
  step = halves.length,
): Float32Array {
  const { src, dst } = memory.allot({ src: halves.byteLength, dst: halves.length * 4 + 64 });
  src.bytes.set(new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength));
  dst.bytes.fill(GUARD);
  for (let at = 0; at < halves.length; at += step) {
    kernels[kernel](src.offset + at * 2, dst.offset + at * 4, Math.min(step, halves.length - at));
  }
  if (dst.bytes.subarray(halves.length * 4).some((byte) => byte !== GUARD)) throw new Error('written beyond');
  return dst.float32.slice(0, halves.length);
}

/** The largest |actual - expected| / tolerance, where 0 / 0 is 0; NaN stays. */
function worstRatio(actual: Float64Array, expected: Float64Array, tolerance: Float64Array): number {
  return actual.reduce((worst, value, index) => {
    const deviation = Math.abs(value - expected[index]!);
    const ratio = deviation === 0 ? 0 : deviation / tolerance[index]!;
    return Math.max(worst, ratio);
  }, 0);
}

function assertWithin(t: ExecutionContext, what: string, ratios: readonly number[]): void {
  const worst = Math.max(...ratios);
  t.log(`${what}: largest deviation ${worst.toExponential(2)} of its tolerance`);
  t.true(worst <= 1);
}

/** A product of two float32 values is exact in float64, so n of them are summed with n roundings, in any order. */
const summationTolerance = (n: number) => (magnitude: number) => n * 2 ** -53 * magnitude * 2;

test('all 65536 bfloat16 values become the float32 of the same leading bits', (t) => {
  for (const step of [65_536, 7]) {
    const bits = new Uint32Array(decode('decodeBfloat16', allHalves, step).buffer);
    t.is(
      bits.findIndex((value, half) => value !== half * 2 ** 16),
      -1,
    );
  }
});

test('all 65536 float16 values, subnormal ones too, become the float32 of the same value', (t) => {
  for (const step of [65_536, 3]) {
    const decoded = decode('decodeFloat16', allHalves, step);
    t.is(
      decoded.findIndex((value, half) => !Object.is(value, float16(half))),
      -1,
    );
  }
});

test('any number of halves is decoded, and nothing beyond them is written', (t) => {
  for (let count = 0; count <= 20; count++) {
    const halves = allHalves.slice(0x3bf0, 0x3bf0 + count);
    t.deepEqual(decode('decodeFloat16', halves), Float32Array.from(halves, float16));
    const shifted = Uint32Array.from(halves, (half) => half << 16);
    t.deepEqual(decode('decodeBfloat16', halves), new Float32Array(shifted.buffer));
  }
});

test('measureRows gives every row its square and its product with the vector', (t) => {
  const ratios: number[] = [];
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      const x = randomFloat32(rows * columns, rows);
      const vector = randomFloat64(columns, columns);
      const r = memory.allot({
        src: rows * columns * 4,
        vector: columns * 8,
        squares: rows * 8,
        products: rows * 8,
      });
      r.src.float32.set(x);
      r.vector.float64.set(vector);
      kernels.measureRows(r.src.offset, rows, columns, r.vector.offset, r.squares.offset, r.products.offset);
      const expected = { squares: new Float64Array(rows), products: new Float64Array(rows) };
      const magnitude = new Float64Array(rows);
      for (let k = 0; k < x.length; k++) {
        const i = Math.floor(k / columns);
        expected.squares[i]! += x[k]! * x[k]!;
        expected.products[i]! += x[k]! * vector[k % columns]!;
        magnitude[i]! += Math.abs(x[k]! * vector[k % columns]!);
      }
      // The products with a float64 vector round once more each.
      const tolerance = summationTolerance(columns + 1);
      ratios.push(worstRatio(r.squares.float64, expected.squares, expected.squares.map(tolerance)));
      ratios.push(worstRatio(r.products.float64, expected.products, magnitude.map(tolerance)));
    }
  }
  assertWithin(t, 'squares and products', ratios);
});

test('probeRows gives every row its square, its fourth powers and its products with two vectors', (t) => {
  const ratios: number[] = [];
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      const x = randomFloat32(rows * columns, rows);
      const vectors = randomFloat64(2 * columns, columns);
      const r = memory.allot({
        src: rows * columns * 4,
        vectors: 2 * columns * 8,
        squares: rows * 8,
        fourths: rows * 8,
        products: (2 * rows + 1) * 8,
      });
      r.src.float32.set(x);
      r.vectors.float64.set(vectors);
      r.products.bytes.fill(GUARD);
      const stride = (rows + 1) * 8;
      kernels.probeRows(
        r.src.offset,
        rows,
        columns,
        r.vectors.offset,
        r.squares.offset,
        r.fourths.offset,
        r.products.offset,
        stride,
      );
      const between = r.products.bytes.subarray(rows * 8, stride);
      t.true(between.every((byte) => byte === GUARD));
      const squares = new Float64Array(rows);
      const fourths = new Float64Array(rows);
      const products = [new Float64Array(rows), new Float64Array(rows)];
      const magnitudes = [new Float64Array(rows), new Float64Array(rows)];
      for (let k = 0; k < x.length; k++) {
        const i = Math.floor(k / columns);
        squares[i]! += x[k]! * x[k]!;
        fourths[i]! += x[k]! ** 4;
        for (const q of [0, 1]) {
          const term = x[k]! * vectors[q * columns + (k % columns)]!;
          products[q]![i]! += term;
          magnitudes[q]![i]! += Math.abs(term);
        }
      }
      // The products with a float64 vector round once more each.
      const tolerance = summationTolerance(columns + 1);
      ratios.push(worstRatio(r.squares.float64, squares, squares.map(tolerance)));
      ratios.push(worstRatio(r.fourths.float64, fourths, fourths.map(tolerance)));
      for (const q of [0, 1]) {
        const measured = r.products.float64.subarray(q * (rows + 1), q * (rows + 1) + rows);
        ratios.push(worstRatio(measured, products[q]!, magnitudes[q]!.map(tolerance)));
      }
    }
  }
  assertWithin(t, 'squares and products', ratios);
});

test('equal rows get equal squares and products to the bit, whichever their places', (t) => {
  const [rows, columns] = [9, 37];
  const row = randomFloat32(columns, 5);
  const r = memory.allot({
    src: rows * columns * 4,
    vectors: 2 * columns * 8,
    squares: rows * 8,
    fourths: rows * 8,
    products: 2 * rows * 8,
  });
  for (let i = 0; i < rows; i++) r.src.float32.set(row, i * columns);
  r.vectors.float64.set(randomFloat64(2 * columns, 6));
  const { src, vectors, squares, fourths, products } = r;
  kernels.probeRows(
    src.offset,
    rows,
    columns,
    vectors.offset,
    squares.offset,
    fourths.offset,
    products.offset,
    rows * 8,
  );
  t.is(new Set(fourths.float64).size, 1);
  t.is(new Set(squares.float64).size, 1);
  t.is(new Set(products.float64).size, 2);
});

test('addColumnSums adds every column to what is there', (t) => {
  const ratios: number[] = [];
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      const x = randomFloat32(rows * columns, rows + 100);
      const expected = randomFloat64(columns, columns);
      const r = memory.allot({ src: x.byteLength, sums: columns * 8, guard: 64 });
      r.src.float32.set(x);
      r.sums.float64.set(expected);
      r.guard.bytes.fill(GUARD);
      kernels.addColumnSums(r.src.offset, rows, columns, r.sums.offset);
      const magnitude = expected.map(Math.abs);
      for (let k = 0; k < x.length; k++) {
        expected[k % columns]! += x[k]!;
        magnitude[k % columns]! += Math.abs(x[k]!);
      }
      ratios.push(worstRatio(r.sums.float64, expected, magnitude.map(summationTolerance(rows + 1))));
      t.true(r.guard.bytes.every((byte) => byte === GUARD));
    }
  }
  assertWithin(t, 'column sums', ratios);
});

test('transposeRows writes the columns, at any stride, and nothing between them', (t) => {
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      for (const gap of [0, 1, 13]) {
        const x = randomFloat32(rows * columns, columns);
        const stride = rows * 4 + gap;
        const r = memory.allot({ src: x.byteLength, dst: columns * stride + 64 });
        r.src.float32.set(x);
        r.dst.bytes.fill(GUARD);
        // From an odd address too, as after the page headers of a Parquet file.
        kernels.transposeRows(r.src.offset, rows, columns, r.dst.offset + gap, stride);
        const expected = Buffer.alloc(columns * stride + 64, GUARD);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++)
            expected.writeFloatLE(x[i * columns + j]!, gap + j * stride + i * 4);
        }
        t.true(expected.equals(r.dst.bytes), `${rows} x ${columns}, ${gap} bytes between columns`);
      }
    }
  }
});

test('centreColumns gives the centred columns, one after the other, to the bit', (t) => {
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      for (const from of [0, 1, 8, columns - 1]) {
        if (from >= columns) continue;
        const x = randomFloat32(rows * columns, rows * columns);
        const mean = randomFloat64(columns, from);
        const count = columns - from;
        const r = memory.allot({
          src: rows * columns * 4,
          mean: columns * 8,
          before: 64,
          dst: rows * count * 8,
          after: 64,
        });
        r.src.float32.set(x);
        r.mean.float64.set(mean);
        for (const guard of [r.before, r.after]) guard.bytes.fill(GUARD);
        kernels.centreColumns(r.src.offset, rows, columns, from, r.mean.offset, r.dst.offset);
        const expected = new Float64Array(rows * count);
        for (let i = 0; i < rows; i++) {
          for (let j = from; j < columns; j++)
            expected[(j - from) * rows + i] = x[i * columns + j]! - mean[j]!;
        }
        t.deepEqual(r.dst.float64, expected, `${rows} x ${columns}, from ${from} on`);
        t.true([...r.before.bytes, ...r.after.bytes].every((byte) => byte === GUARD));
      }
    }
  }
});

function foldOnce(x: Float32Array, rows: number, columns: number, gap: number) {
  const stride = rows * 4 + gap;
  const lambda = randomFloat64(columns, 1).map((value) => 2 + value);
  const probeVectors = randomFloat64(2 * columns, 2);
  const start = randomFloat64(rows, 3).map(Math.abs);
  const r = memory.allot({
    src: columns * stride + gap,
    lambda: columns * 8,
    probeVectors: 2 * columns * 8,
    squares: rows * 8,
    causal: rows * 8,
    fourths: rows * 8,
    probes: 2 * rows * 8,
    statistics: 6 * columns * 8,
  });
  r.lambda.float64.set(lambda);
  r.probeVectors.float64.set(probeVectors);
  for (const region of [r.squares, r.causal, r.fourths]) region.float64.set(start);
  r.probes.float64.set([...start, ...start]);
  const bytes = Buffer.from(r.src.bytes.buffer, r.src.offset, r.src.bytes.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) bytes.writeFloatLE(x[i * columns + j]!, gap + j * stride + i * 4);
  }
  kernels.foldColumns(
    r.src.offset + gap,
    rows,
    columns,
    stride,
    r.lambda.offset,
    r.probeVectors.offset,
    columns * 8,
    r.squares.offset,
    r.causal.offset,
    r.fourths.offset,
    r.probes.offset,
    rows * 8,
    r.statistics.offset,
  );
  const statistics = (index: number) =>
    Float64Array.from({ length: columns }, (_, j) => r.statistics.float64[6 * j + index]!);
  const powers = [0, 1, 2, 3].map(statistics);
  return { actual: r, powers, minima: statistics(4), maxima: statistics(5), lambda, probeVectors, start };
}

test('foldColumns adds to the rows and gives the columns, from columns at any address', (t) => {
  const ratios: number[] = [];
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      for (const gap of [0, 13]) {
        const x = randomFloat32(rows * columns, rows + 1000 * columns);
        const folded = foldOnce(x, rows, columns, gap);
        const { actual, lambda, probeVectors, start } = folded;
        const perRow = { squares: start.slice(), causal: start.slice(), fourths: start.slice() };
        const probes = Float64Array.of(...start, ...start);
        const probeMagnitude = probes.slice();
        const powers = [1, 2, 3, 4].map(() => new Float64Array(columns));
        const magnitudes = powers.map((power) => power.slice());
        const minima = new Float64Array(columns).fill(Number.POSITIVE_INFINITY);
        const maxima = new Float64Array(columns).fill(Number.NEGATIVE_INFINITY);
        for (let k = 0; k < x.length; k++) {
          const [i, j, p] = [Math.floor(k / columns), k % columns, x[k]!];
          perRow.squares[i]! += p * p;
          perRow.causal[i]! += lambda[j]! * p * p;
          perRow.fourths[i]! += p ** 4;
          for (const q of [0, 1]) {
            probes[q * rows + i]! += probeVectors[q * columns + j]! * p;
            probeMagnitude[q * rows + i]! += Math.abs(probeVectors[q * columns + j]! * p);
          }
          for (const [index, power] of powers.entries()) {
            power[j]! += p ** (index + 1);
            magnitudes[index]![j]! += Math.abs(p) ** (index + 1);
          }
          minima[j] = Math.min(minima[j]!, p);
          maxima[j] = Math.max(maxima[j]!, p);
        }
        const byRow = summationTolerance(columns + 3);
        // Third and fourth powers of a float32 are no float64: they round, as their sums do.
        const byColumn = summationTolerance(rows + 3);
        ratios.push(
          worstRatio(actual.squares.float64, perRow.squares, perRow.squares.map(byRow)),
          worstRatio(actual.causal.float64, perRow.causal, perRow.causal.map(byRow)),
          worstRatio(actual.fourths.float64, perRow.fourths, perRow.fourths.map(byRow)),
          worstRatio(actual.probes.float64, probes, probeMagnitude.map(byRow)),
          ...powers.map((power, index) =>
            worstRatio(folded.powers[index]!, power, magnitudes[index]!.map(byColumn)),
          ),
        );
        t.deepEqual(folded.minima, minima);
        t.deepEqual(folded.maxima, maxima);
      }
    }
  }
  assertWithin(t, 'sums by row and by column', ratios);
});

test('NaN and infinity in a projection show in the sums of their row and their column, and nowhere else', (t) => {
  const [rows, columns] = [7, 5];
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (let k = 0; k < rows * columns; k++) {
      const x = randomFloat32(rows * columns, 4);
      x[k] = bad;
      const { actual, powers } = foldOnce(x, rows, columns, 0);
      const finite = (values: Float64Array) => [...values].map(Number.isFinite);
      const expectedRows = Array.from({ length: rows }, (_, i) => i !== Math.floor(k / columns));
      const expectedColumns = Array.from({ length: columns }, (_, j) => j !== k % columns);
      for (const { float64 } of [actual.squares, actual.causal, actual.fourths]) {
        t.deepEqual(finite(float64), expectedRows);
      }
      t.deepEqual(finite(actual.probes.float64), [...expectedRows, ...expectedRows]);
      for (const power of powers) t.deepEqual(finite(power), expectedColumns);
    }
  }
});
