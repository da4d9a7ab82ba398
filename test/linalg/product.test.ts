import type { ExecutionContext } from 'ava';
import test from 'ava';
import { KernelMemory } from '../../src/linalg/kernel-memory.js';
import { type Matrix, Product } from '../../src/linalg/product.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';

type Values = Float32Array | Float64Array;

/** [m, k, n]: one row, the vector widths of the kernels, and each one beside. */
const sizes = [
  [1, 1, 1],
  [1, 5, 3],
  [2, 1, 2],
  [2, 7, 1],
  [3, 31, 33],
  [15, 16, 17],
  [16, 64, 48],
  [63, 65, 64],
  [129, 128, 127],
  [40, 257, 100],
] as const;

/** A B and |A| |B| by their definition, in float64. */
function reference({ values: a, rows: m, columns: k }: Matrix<Values>, b: Matrix<Values>) {
  const n = b.columns;
  const product = new Float64Array(m * n);
  const magnitude = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) {
        const term = a[i * k + l]! * b.values[l * n + j]!;
        product[i * n + j]! += term;
        magnitude[i * n + j]! += Math.abs(term);
      }
    }
  }
  return { product, magnitude };
}

/**
 * The largest |actual - expected| in units of `tolerance` times the sum of the terms' magnitudes: k u for k
 * products and sums that each round by u, in whatever order they are taken. NaN stays.
 */
function worstRatio(
  actual: Values,
  expected: Float64Array,
  magnitude: Float64Array,
  tolerance: number,
): number {
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    const ratio = Math.abs(actual[index]! - expected[index]!) / (tolerance * magnitude[index]!);
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

function assertWithin(t: ExecutionContext, what: string, ratio: number): void {
  t.log(`${what}: largest deviation ${ratio.toExponential(2)} of its tolerance`);
  t.true(ratio <= 1);
}

const bits = (values: Values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

test('float32 products are those of the definition', async (t) => {
  const product = await Product.create('float32', 1);
  for (const [m, k, n] of sizes) {
    const a = { values: randomFloat32(m * k, 1), rows: m, columns: k };
    const b = { values: randomFloat32(k * n, 2), rows: k, columns: n };
    const out = { values: new Float32Array(m * n).fill(Number.NaN), rows: m, columns: n };
    await product.multiply(a, b, out);
    const { product: expected, magnitude } = reference(a, b);
    assertWithin(t, `${m} x ${k} x ${n}`, worstRatio(out.values, expected, magnitude, k * 2 ** -24));
  }
  await product.release();
});

test('float64 products are those of the definition, with one thread and with two', async (t) => {
  for (const threads of [1, 2]) {
    const product = await Product.create('float64', threads);
    for (const [m, k, n] of sizes) {
      const a = { values: randomFloat64(m * k, 3), rows: m, columns: k };
      const b = { values: randomFloat64(k * n, 4), rows: k, columns: n };
      const out = { values: new Float64Array(m * n).fill(Number.NaN), rows: m, columns: n };
      await product.multiply(a, b, out);
      const { product: expected, magnitude } = reference(a, b);
      // The reference rounds as well.
      const ratio = worstRatio(out.values, expected, magnitude, 2 * k * 2 ** -53);
      assertWithin(t, `${m} x ${k} x ${n}, ${threads} threads`, ratio);
    }
    await product.release();
  }
});

test('an accumulating product adds to what is there, in place, again and again', async (t) => {
  const product = await Product.createAccumulating('float64', 1);
  for (const [m, k, n] of sizes) {
    const start = randomFloat64(m * n, 5);
    const out = { values: start.slice(), rows: m, columns: n };
    const expected = start.slice();
    const magnitude = start.map(Math.abs);
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      const a = { values: randomFloat64(m * k, 10 + round), rows: m, columns: k };
      const b = { values: randomFloat64(k * n, 20 + round), rows: k, columns: n };
      await product.accumulate(a, b, out);
      const step = reference(a, b);
      for (let index = 0; index < m * n; index++) {
        expected[index]! += step.product[index]!;
        magnitude[index]! += step.magnitude[index]!;
      }
    }
    const ratio = worstRatio(out.values, expected, magnitude, 2 * rounds * (k + 1) * 2 ** -53);
    assertWithin(t, `${m} x ${k} x ${n}`, ratio);
  }
  await product.release();
});

test("a row's bits do not depend on the other rows, as long as there are two", async (t) => {
  const product = await Product.create('float32', 1);
  const rows = 300;
  const ranges = [2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64, 65, 129, 255].flatMap((count) =>
    [0, 1, 6, rows - count].filter((first) => first + count <= rows).map((first) => ({ first, count })),
  );
  for (const d of [1, 2, 3, 31, 64, 100, 256]) {
    const gamma = randomFloat32(rows * d, 6);
    const eigenvectors = { values: randomFloat32(d * d, 7), rows: d, columns: d };
    const whole = new Float32Array(rows * d);
    await product.multiply({ values: gamma, rows, columns: d }, eigenvectors, {
      values: whole,
      rows,
      columns: d,
    });
    const different = [];
    for (const { first, count } of ranges) {
      const out = new Float32Array(count * d);
      const part = gamma.subarray(first * d, (first + count) * d);
      await product.multiply({ values: part, rows: count, columns: d }, eigenvectors, {
        values: out,
        rows: count,
        columns: d,
      });
      const same = whole.subarray(first * d, (first + count) * d);
      if (!bits(out).equals(bits(same))) different.push({ first, count });
    }
    t.deepEqual(different, [], `d = ${d}`);
  }
  await product.release();
});

test('equal rows give equal bits wherever they stand, and NaN stays in its row', async (t) => {
  const product = await Product.create('float32', 1);
  const d = 100;
  for (const rows of [2, 3, 17, 64, 131]) {
    const gamma = randomFloat32(rows * d, 8);
    gamma.copyWithin((rows - 1) * d, 0, d);
    if (rows > 2) gamma[d + 5] = Number.NaN;
    const out = new Float32Array(rows * d);
    await product.multiply(
      { values: gamma, rows, columns: d },
      { values: randomFloat32(d * d, 9), rows: d, columns: d },
      { values: out, rows, columns: d },
    );
    t.true(bits(out.subarray(0, d)).equals(bits(out.subarray((rows - 1) * d))), `${rows} rows`);
    for (let i = 0; i < rows; i++) {
      const isSpoiled = out.subarray(i * d, (i + 1) * d).map((value) => (Number.isNaN(value) ? 1 : 0));
      t.deepEqual(new Set(isSpoiled), new Set([rows > 2 && i === 1 ? 1 : 0]));
    }
  }
  await product.release();
});

test('operands and result may lie in WebAssembly memory, anywhere in it', async (t) => {
  const [m, k, n] = [5, 31, 17];
  const memory = new KernelMemory();
  const regions = memory.allot({ unused: 100, a: m * k * 4, b: k * n * 4, out: (m + 2) * n * 4 });
  const a = { values: regions.a.float32, rows: m, columns: k };
  const b = { values: regions.b.float32, rows: k, columns: n };
  a.values.set(randomFloat32(m * k, 10));
  b.values.set(randomFloat32(k * n, 11));
  regions.out.float32.fill(7);
  const product = await Product.create('float32', 1);
  const out = { values: regions.out.float32.subarray(n, (m + 1) * n), rows: m, columns: n };
  await product.multiply(a, b, out);
  await product.release();

  const { product: expected, magnitude } = reference(a, b);
  assertWithin(t, `${m} x ${k} x ${n}`, worstRatio(out.values, expected, magnitude, k * 2 ** -24));
  const around = [...regions.out.float32.subarray(0, n), ...regions.out.float32.subarray((m + 1) * n)];
  t.deepEqual(new Set(around), new Set([7]));
  t.is(out.values.buffer, memory.memory.buffer);
});

test('shapes that do not fit, and arrays that are not their shape, are refused by name', async (t) => {
  const product = await Product.create('float64', 1);
  const matrix = (rows: number, columns: number, length = rows * columns) => ({
    values: new Float64Array(length),
    rows,
    columns,
  });
  const wrong = [
    [matrix(2, 3), matrix(4, 5), matrix(2, 5)],
    [matrix(2, 3), matrix(3, 5), matrix(3, 5)],
    [matrix(2, 3), matrix(3, 5), matrix(2, 4)],
    [matrix(2, 3, 7), matrix(3, 5), matrix(2, 5)],
    [matrix(2, 3), matrix(3, 5), matrix(2, 5, 9)],
  ] as const;
  for (const [a, b, out] of wrong) {
    const message = `product of ${a.rows} x ${a.columns} (${a.values.length} values) and ${b.rows} x ${b.columns} `;
    const error = await t.throwsAsync(product.multiply(a, b, out), { instanceOf: RangeError });
    t.true(error.message.startsWith(message), error.message);
    t.regex(error.message, new RegExp(`does not fit ${out.rows} x ${out.columns} \\(${out.values.length} `));
  }
  await product.release();
});

test('a product either multiplies or accumulates', async (t) => {
  const one = { values: Float64Array.of(1), rows: 1, columns: 1 };
  const plain = await Product.create('float64', 1);
  const accumulating = await Product.createAccumulating('float64', 1);
  await t.throwsAsync(plain.accumulate(one, one, one), { instanceOf: TypeError, message: /call multiply/ });
  await t.throwsAsync(accumulating.multiply(one, one, one), {
    instanceOf: TypeError,
    message: /call accumulate/,
  });
  await plain.release();
  await accumulating.release();
});
