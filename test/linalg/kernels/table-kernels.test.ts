import test from 'ava';
import { KernelMemory, type Region } from '../../../src/linalg/kernels/kernel-memory.js';
import { loadTableKernels, maximaBytes, selectionBytes } from '../../../src/linalg/kernels/table-kernels.js';
import { ARCSINE_POLYNOMIAL, NOTICED_SQUARE } from '../../../src/tables/arcsine.js';
import { binOf, FINE_BINS, fineGrid, shiftBetween } from '../../../src/tables/fine-grid.js';
import { randomFloat32, randomFloat64, seededRandom } from '../../helpers/random.js';
import { range } from '../../helpers/sums.js';

const memory = new KernelMemory('');
const kernels = loadTableKernels(memory);

/** Around the steps of 2, 4 and 64 rows, and the 8 columns that are folded at once. */
const rowCounts = [1, 2, 3, 4, 5, 63, 64, 65, 127, 130];
const columnCounts = [1, 7, 8, 9, 17];

/** Columns of `rows` values, one after the other, at no boundary. */
function storeColumns(region: Region, values: Float32Array, rows: number, columns: number, stride: number) {
  for (const j of range(columns)) {
    const column = values.slice(j * rows, (j + 1) * rows);
    region.bytes.set(new Uint8Array(column.buffer), j * stride);
  }
}

test('token sums are those of plain loops', (t) => {
  let worst = 0;
  for (const rows of rowCounts) {
    for (const columns of columnCounts) {
      const stride = rows * 4 + 5;
      const sums = { a: rows * 8, b: rows * 8, c: rows * 8, e: rows * 8, f: rows * 8 };
      const regions = memory.allot({ src: columns * stride, m: columns * 8, lambda: columns * 8, ...sums });
      const { src, m, lambda, a, b, c, e, f } = regions;
      const values = randomFloat32(rows * columns, rows);
      storeColumns(src, values, rows, columns, stride);
      m.float64.set(randomFloat64(columns, 1));
      lambda.float64.set(randomFloat64(columns, 2).map((x) => 2 + x));
      for (const region of [a, b, c, e, f]) region.float64.fill(1);
      kernels.foldTokens(
        ...[src.offset, rows, columns, stride, m.offset, lambda.offset],
        ...([a.offset, b.offset, c.offset, e.offset, f.offset] as [number, number, number, number, number]),
      );
      for (const i of range(rows)) {
        const expected = [1, 1, 1, 1, 1];
        for (const j of range(columns)) {
          const [p, mean, weight] = [values[j * rows + i]!, m.float64[j]!, lambda.float64[j]!];
          expected[0]! += (p - mean) ** 2;
          expected[1]! += weight * (p - mean) ** 2;
          expected[2]! += p * mean;
          expected[3]! += weight * p * mean;
          expected[4]! += (weight * p * p) ** 2;
        }
        for (const [k, region] of [a, b, c, e, f].entries()) {
          worst = Math.max(worst, Math.abs(region.float64[i]! - expected[k]!));
        }
      }
    }
  }
  t.log(`largest deviation ${worst.toExponential(1)}`);
  // 17 terms below 12.
  t.true(worst < 17 * 12 * 17 * Number.EPSILON);
});

test('directions are the largest |z|, ties to the lower column, also over several blocks', (t) => {
  for (const rows of rowCounts) {
    for (const [columns, places] of [
      [1, 1],
      [5, 5],
      [40, 8],
    ] as const) {
      const stride = rows * 4 + 1;
      const { src, roots, thresholds, values, found } = memory.allot({
        src: columns * stride + 16,
        roots: columns * 8,
        thresholds: Math.ceil(rows / 4) * 16,
        values: rows * places * 8,
        found: rows * places * 4,
      });
      // Few different values, and zeros: many ties.
      const p = randomFloat32(rows * columns, 7).map((x) => Math.round(x * 3));
      storeColumns(src, p, rows, columns, stride);
      roots.float64.fill(0.7);
      thresholds.float32.fill(-1);
      found.int32.fill(-1);
      for (const first of range(Math.ceil(columns / 8)).reverse()) {
        const start = first * 8;
        kernels.foldDirections(
          ...[src.offset + start * stride, rows, Math.min(8, columns - start), stride, start],
          ...([roots.offset + start * 8, places, thresholds.offset, values.offset, found.offset] as const),
        );
      }
      for (const i of range(rows)) {
        const z = range(columns).map((j) => 0.7 * p[j * rows + i]!);
        const expected = range(columns).sort((a, b) => Math.abs(z[b]!) - Math.abs(z[a]!) || a - b);
        const at = [i * places, (i + 1) * places] as const;
        t.deepEqual([...found.int32.slice(...at)], expected.slice(0, places));
        t.deepEqual(
          [...values.float64.slice(...at)],
          expected.slice(0, places).map((j) => z[j]!),
        );
      }
    }
  }
});

function columnRegions(rows: number, top = 1) {
  const padded = Math.ceil(rows / 4) * 4;
  return memory.allot({
    src: rows * 4,
    column: padded * 4,
    norms: padded * 8,
    inverses: padded * 4,
    cosines: padded * 4,
    polynomial: 32,
    sums: 4 * 8,
    aligned: 5 * 4,
    maxima: 2 * maximaBytes(rows),
    candidates: selectionBytes(rows),
    counts: 1024 * 4,
    keys: top * 8,
    found: top * 4,
    guard: 64,
  });
}

/** A column with its zeros, norms (with rows of zeros and of impossible sizes) and their inverses. */
function loadRows(rows: number, weight: number, top = 1) {
  const regions = columnRegions(rows, top);
  const { src, column, norms, inverses, polynomial } = regions;
  const random = seededRandom(rows);
  norms.float64.fill(0);
  inverses.float32.fill(0);
  for (const i of range(rows)) {
    const size = i % 13 === 5 ? 1e-30 : i % 17 === 9 ? 1e25 : 1;
    const norm = i % 11 === 3 ? 0 : size * (1 + Math.abs(random()));
    norms.float64[i] = norm;
    // From hardly aligned to parallel, with ties.
    const cosine = i % 5 === 0 ? Math.sign(random()) : i % 3 === 0 ? 0.125 : random() ** 3;
    src.float32[i] = (cosine * norm) / weight;
    inverses.float32[i] = norm === 0 ? 0 : size === 1 ? 1 / norm : Number.NaN;
  }
  polynomial.float32.set([...ARCSINE_POLYNOMIAL, NOTICED_SQUARE]);
  kernels.loadColumn(src.offset, rows, column.offset);
  const cosines = range(rows).map((i) => {
    const norm = norms.float64[i]!;
    return norm === 0 ? null : (weight * src.float32[i]!) / norm;
  });
  return { ...regions, cosinesOf: cosines };
}

function measureAngles(regions: ReturnType<typeof loadRows>, rows: number, weight: number) {
  const { column, norms, inverses, cosines, polynomial, sums, aligned, maxima } = regions;
  sums.float64.fill(0);
  aligned.int32.fill(0);
  kernels.measureAngles(
    ...[column.offset, rows, weight, norms.offset, inverses.offset, cosines.offset],
    ...([polynomial.offset, sums.offset, aligned.offset, maxima.offset] as const),
  );
}

test('angles are within a ten-thousandth of a degree, whatever the sizes of the rows, and counted exactly', (t) => {
  for (const rows of rowCounts) {
    for (const weight of [1, 50]) {
      const regions = loadRows(rows, weight);
      measureAngles(regions, rows, weight);
      const defined = regions.cosinesOf.filter((cosine) => cosine !== null);
      const s = defined.map((cosine) => (Math.asin(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI);
      const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
      const off = [
        Math.abs(regions.sums.float64[0]! - total(s)),
        Math.abs(regions.sums.float64[1]! - total(s.map((x) => x * x))) / 180,
        Math.abs(regions.sums.float64[2]! - total(s.map(Math.abs))),
      ];
      t.true(Math.max(...off) <= rows * 1e-4, `${rows} rows: ${off}`);
      t.deepEqual(
        [...regions.aligned.int32],
        [0.1, 0.2, 0.3, 0.5, 0.7].map((least) => defined.filter((c) => Math.abs(c) >= least).length),
      );
    }
  }
});

/** Selects extremes of a column whose maxima have been measured, with bytes in the results that mean nothing. */
function selectExtremes(
  { column, maxima, keys, found, candidates }: ReturnType<typeof columnRegions>,
  { rows, top, sign, weight }: { rows: number; top: number; sign: number; weight: number },
  values: Region,
  norms: Region,
) {
  for (const region of [keys, found, candidates]) region.bytes.fill(rows + top);
  kernels.selectExtremes(
    ...[values.offset, column.offset, rows, sign, weight, norms.offset],
    maxima.offset + (sign === 1 ? 0 : maximaBytes(rows)),
    ...([top, keys.offset, found.offset, candidates.offset] as const),
  );
  return { keys: [...keys.float64.slice(0, top)], rows: [...found.int32.slice(0, top)] };
}

/** Extremes by a sort; rows whose key is null are left out. */
function sortedExtremes(keys: (number | null)[], top: number) {
  const rows = range(keys.length).filter((i) => keys[i] !== null);
  const best = rows.sort((a, b) => keys[b]! - keys[a]! || a - b).slice(0, top);
  const missing = range(top - best.length);
  return {
    keys: [...best.map((row) => keys[row]!), ...missing.map(() => Number.NEGATIVE_INFINITY)],
    rows: [...best, ...missing.map(() => -1)],
  };
}

/** Around the steps of 4 and 64 rows, so many lanes or blocks as a list has places, and 16 blocks that go together. */
const selectedRowCounts = [...rowCounts, 200, 256, 320, 321, 1023, 1025, 1279, 1280, 1283, 2623, 5000];

test('extremes of cosines are those of a sort, ties to the lower row, rows of zeros left out', (t) => {
  const weight = 50;
  for (const rows of selectedRowCounts) {
    for (const top of [1, 3, 20, 200]) {
      const regions = loadRows(rows, weight, top);
      measureAngles(regions, rows, weight);
      for (const sign of [1, -1]) {
        const selected = selectExtremes(regions, { rows, top, sign, weight }, regions.cosines, regions.norms);
        const keys = regions.cosinesOf.map((cosine) => (cosine === null ? null : sign * cosine));
        t.deepEqual(selected, sortedExtremes(keys, top), `${rows} rows, ${top} places, sign ${sign}`);
      }
    }
  }
});

/** Columns that are hard to select from, by the value of row i. */
const columns: Record<string, (i: number, random: () => number) => number> = {
  'hardly any ties': (_, random) => random() ** 3,
  'many ties': (_, random) => Math.round(3 * random()),
  'all equal': () => 0.3,
  'all zero': () => 0,
  'all below zero': (_, random) => random() - 2,
  'all above zero': (_, random) => random() + 2,
  rising: (i) => i - 300,
  falling: (i) => 300 - i,
  'one row far from the others': (i, random) => (i === 62 ? 1e30 : random()),
  'ties with the last place only': (i) => (i % 70 === 69 ? 2 : 1),
  subnormal: (_, random) => random() * 2 ** -140,
};

test('extremes are those of a sort, however the column is made, wherever the number of rows or places lies', (t) => {
  const [sizes, tops] = [selectedRowCounts, [1, 2, 19, 20, 21, 63, 64, 65, 130, 1300]];
  for (const [name, value] of Object.entries(columns)) {
    for (const rows of sizes) {
      for (const top of tops) {
        const regions = columnRegions(rows, top);
        const { src, column, norms, sums, maxima } = regions;
        const random = seededRandom(rows);
        for (const i of range(rows)) src.float32[i] = value(i, random);
        kernels.loadColumn(src.offset, rows, column.offset);
        norms.float64.fill(1);
        kernels.measureMoments(column.offset, rows, 0, sums.offset, maxima.offset);
        for (const sign of [1, -1]) {
          const selected = selectExtremes(regions, { rows, top, sign, weight: 1 }, column, norms);
          const expected = sortedExtremes(
            [...src.float32].map((p) => sign * p),
            top,
          );
          t.deepEqual(selected, expected, `${name}: ${rows} rows, ${top} places, sign ${sign}`);
        }
      }
    }
  }
});

test('moments are power sums about the given mean, and maxima those of the lanes of every block', (t) => {
  for (const rows of rowCounts) {
    const { src, column, sums, maxima } = columnRegions(rows);
    src.float32.set(randomFloat32(rows, rows).map((x) => x + 2));
    kernels.loadColumn(src.offset, rows, column.offset);
    sums.float64.fill(0);
    kernels.measureMoments(column.offset, rows, 2, sums.offset, maxima.offset);
    for (const k of range(4)) {
      const expected = src.float32.reduce((sum, p) => sum + (p - 2) ** (k + 1), 0);
      t.true(Math.abs(sums.float64[k]! - expected) <= rows * rows * Number.EPSILON);
    }
    // The zeros behind the last row count.
    const padded = [...src.float32, ...range((4 - (rows % 4)) % 4).map(() => 0)];
    const stored = maximaBytes(rows) / 4;
    for (const lane of range(4 * Math.ceil(rows / 64))) {
      const ofLane = (_: number, i: number) => i % 4 === lane % 4 && i >> 6 === lane >> 2;
      const values = padded.filter(ofLane);
      t.is(maxima.float32[lane], Math.max(...values));
      t.is(maxima.float32[stored + lane]! + 0, -Math.min(...values) + 0);
    }
  }
});

test('bins count every row once, at the ends what lies beyond, and NaN breaks nothing', (t) => {
  for (const rows of rowCounts) {
    const { src, column, counts, guard } = columnRegions(rows);
    src.float32.set(randomFloat32(rows, rows).map((x) => x * 100));
    src.float32[0] = Number.NaN;
    if (rows > 4) src.float32[1] = Number.POSITIVE_INFINITY;
    kernels.loadColumn(src.offset, rows, column.offset);
    counts.int32.fill(0);
    guard.bytes.fill(7);
    kernels.countBins(column.offset, rows, 0.5, -20, 40, counts.offset);
    const expected = new Int32Array(1024);
    for (const value of src.float32.slice(1)) {
      expected[Math.min(39, Math.max(0, Math.floor(value / 2) + 20))]!++;
    }
    const nan = counts.int32.findIndex((count, bin) => count !== expected[bin]);
    expected[nan]!++;
    t.true(nan < 40);
    t.deepEqual(counts.int32, expected);
    t.true(guard.bytes.every((byte) => byte === 7));
  }
});

test('bins that are sums of finer ones hold what they would count themselves', (t) => {
  for (const [scale, offset] of [
    [1, 0],
    [0.001, 3],
    [15, 5],
    [1, 7.5],
    [1, -50],
  ] as const) {
    const values = randomFloat32(130, 8).map((x) => scale * x + offset);
    const { exponent, origin, used } = fineGrid(Math.min(...values), Math.max(...values));
    const { counts, target } = memory.allot({ counts: FINE_BINS * 4, target: 256 * 4 });
    const expected = new Int32Array(256);
    counts.int32.fill(0);
    target.int32.fill(0);
    for (const value of values) {
      counts.int32[binOf(value, exponent) - origin]!++;
      expected[Math.min(255, Math.max(0, Math.floor(value * 16) + 128))]!++;
    }
    kernels.sumBins(counts.offset, used, origin, shiftBetween(exponent, -4), -128, 256, target.offset);
    t.deepEqual(target.int32, expected);
  }
});

test('equal rows have equal hashes, rows that differ in one bit have others', (t) => {
  for (const rowBytes of [2, 4, 30, 32, 34, 66, 128, 5120]) {
    const { src, hashes } = memory.allot({ src: 3 * rowBytes, hashes: 24 });
    const row = new Uint8Array(randomFloat32(rowBytes, 1).buffer, 0, rowBytes);
    for (const bit of [0, rowBytes * 4, rowBytes * 8 - 1]) {
      for (const i of range(3)) src.bytes.set(row, i * rowBytes);
      src.bytes[2 * rowBytes + (bit >> 3)]! ^= 1 << (bit & 7);
      kernels.hashRows(src.offset, 3, rowBytes, hashes.offset);
      const [a, b, c] = new BigUint64Array(hashes.bytes.slice().buffer);
      t.is(a, b);
      t.not(a, c);
    }
  }
});
