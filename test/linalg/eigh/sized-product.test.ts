import test from 'ava';
import { SizedProduct } from '../../../src/linalg/eigh/sized-product.js';
import { kernelVariant, loadSmallProductKernels } from '../../../src/linalg/kernels/eigh-kernels.js';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';
import { Product } from '../../../src/linalg/product.js';
import { randomFloat64 } from '../../helpers/random.js';
import { sameBits } from '../../helpers/same-bits.js';

/** Operands in kernel memory, of whole numbers, so that every product is exact. */
function operands(memory: KernelMemory, [rows, inner, columns]: readonly [number, number, number]) {
  const { a, b, out } = memory.allot({
    a: rows * inner * 8,
    b: inner * columns * 8,
    out: rows * columns * 8,
  });
  for (const [seed, { float64 }] of [a, b, out].entries())
    float64.set(randomFloat64(float64.length, seed + 1).map((value) => Math.round(value * 100)));
  return {
    a: { values: a.float64, rows, columns: inner },
    b: { values: b.float64, rows: inner, columns },
    out: { values: out.float64, rows, columns },
  };
}

function naive({ a, b, out }: ReturnType<typeof operands>): Float64Array {
  return out.values.map((_, at) => {
    const [i, j] = [Math.floor(at / out.columns), at % out.columns];
    let sum = 0;
    for (let k = 0; k < a.columns; k++) sum += a.values[i * a.columns + k]! * b.values[k * b.columns + j]!;
    return sum;
  });
}

for (const variant of new Set(['plain', kernelVariant()] as const)) {
  test(`the ${variant} kernels accumulate products of every small shape`, async (t) => {
    const memory = new KernelMemory('');
    const smallProducts = loadSmallProductKernels(memory, variant);
    const product = new SizedProduct({ memory, smallProducts }, () => t.fail() as never);
    const sizes = [1, 2, 3, 4, 5, 7, 8, 13];
    for (const rows of sizes)
      for (const columns of sizes)
        for (const inner of [1, 2, 9]) {
          const given = operands(memory, [rows, inner, columns]);
          const before = given.out.values.slice();
          const expected = naive(given);
          await product.accumulate(given.a, given.b, given.out);
          const sums = expected.map((value, k) => value + before[k]!);
          sameBits(t, given.out.values, sums, `${rows} x ${inner} x ${columns}`);
        }
    await product.release();
  });
}

test('large products, and operands outside of kernel memory, are left to onnxruntime, opened once', async (t) => {
  let opened = 0;
  const memory = new KernelMemory('');
  const smallProducts = loadSmallProductKernels(memory, kernelVariant());
  const product = new SizedProduct({ memory, smallProducts }, () => {
    opened++;
    return Product.createAccumulating(1);
  });
  const small = operands(memory, [64, 64, 64]);
  const outside = { ...small.out, values: small.out.values.slice() };
  await product.accumulate(small.a, small.b, small.out);
  t.is(opened, 0);
  await product.accumulate(small.a, small.b, outside);
  t.is(opened, 1);
  sameBits(t, outside.values, small.out.values);
  const large = operands(memory, [65, 64, 64]);
  large.out.values.fill(0);
  await product.accumulate(large.a, large.b, large.out);
  t.is(opened, 1);
  sameBits(t, large.out.values, naive(large));
  await product.release();
});

test('a product of operands that do not fit is refused, whatever its size', async (t) => {
  const memory = new KernelMemory('');
  const smallProducts = loadSmallProductKernels(memory, kernelVariant());
  const product = new SizedProduct({ memory, smallProducts }, () => Product.createAccumulating(1));
  const { a, b, out } = operands(memory, [3, 4, 5]);
  await t.throwsAsync(product.accumulate(b, a, out), { instanceOf: RangeError });
  await t.throwsAsync(product.accumulate(a, b, { ...out, rows: 300_000 }), { instanceOf: RangeError });
  await product.release();
});
