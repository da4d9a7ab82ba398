import test from 'ava';
import { Product } from '../../src/linalg/product.js';
import { assertWithin, reference, sizes, worstRatio } from '../helpers/product-definition.js';
import { randomFloat64 } from '../helpers/random.js';

test('float64 products are those of the definition, with one thread and with two', async (t) => {
  for (const threads of [1, 2]) {
    const product = await Product.create(threads);
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
  const product = await Product.createAccumulating(1);
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

test('shapes that do not fit, and arrays that are not their shape, are refused by name', async (t) => {
  const product = await Product.create(1);
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
  const plain = await Product.create(1);
  const accumulating = await Product.createAccumulating(1);
  await t.throwsAsync(plain.accumulate(one, one, one), { instanceOf: TypeError, message: /call multiply/ });
  await t.throwsAsync(accumulating.multiply(one, one, one), {
    instanceOf: TypeError,
    message: /call accumulate/,
  });
  await plain.release();
  await accumulating.release();
});
