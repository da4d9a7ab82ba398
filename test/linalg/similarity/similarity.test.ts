import test from 'ava';
import { portableBackend } from '../../../src/linalg/backend/portable-backend.js';
import type { Matrix } from '../../../src/linalg/matrix.js';
import { causalCka, linearCka, whiteningOf } from '../../../src/linalg/similarity/cka.js';
import { procrustes } from '../../../src/linalg/similarity/procrustes.js';
import { singularValues } from '../../../src/linalg/similarity/singular-values.js';
import {
  canonicalCorrelations,
  centredRows,
  crossOf,
  type PlainMatrix,
  singularValuesOf,
  squaresOf,
} from '../../helpers/plain-matrices.js';
import { randomFloat64, randomOrthogonal } from '../../helpers/random.js';
import { sum } from '../../helpers/sums.js';

const asMatrix = (plain: PlainMatrix): Matrix<Float64Array> => ({
  values: Float64Array.from(plain.flat()),
  rows: plain.length,
  columns: plain[0]!.length,
});
const near = (a: number, b: number, tolerance = 1e-11) =>
  Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
const traceOf = (matrix: PlainMatrix) => sum(matrix.map((row, j) => row[j]!));

for (const [n, d, e] of [
  [40, 6, 6],
  [50, 7, 4],
  [50, 4, 7],
  [9, 1, 1],
  [9, 1, 3],
] as const)
  test(`causal CKA is the mean squared canonical correlation, and singular values are right: ${n} rows of ${d} and ${e}`, async (t) => {
    const a = centredRows(randomFloat64(n * d, 3), d);
    const b = centredRows(
      randomFloat64(n * e, 4).map((value, k) => value + a[Math.floor(k / e)]![0]!),
      e,
    );
    const [ca, cb, x] = [crossOf(a, a), crossOf(b, b), crossOf(a, b)];
    const whitenings = [
      await whiteningOf(asMatrix(ca), portableBackend),
      await whiteningOf(asMatrix(cb), portableBackend),
    ] as const;
    t.deepEqual(
      whitenings.map(({ rank }) => rank),
      [d, e],
    );
    const expected = sum(canonicalCorrelations(a, b)) / Math.sqrt(d * e);
    const causal = await causalCka(asMatrix(x), ...whitenings, portableBackend);
    t.true(near(causal, expected), `${causal}, ${expected}`);
    const linear = linearCka(asMatrix(x), asMatrix(ca), asMatrix(cb));
    t.true(near(linear, squaresOf(x) / Math.sqrt(squaresOf(ca) * squaresOf(cb))));
    const singular = await singularValues(asMatrix(x), portableBackend);
    const known = singularValuesOf(x).slice(0, Math.min(d, e));
    t.true(
      singular.values.every((value, k) => near(value, known[k]!, 1e-8)),
      `${singular.values}, ${known}`,
    );
    const fitted = procrustes(singular, { a: traceOf(ca), b: traceOf(cb) });
    t.true(near(fitted.residual, 1 - sum(known) ** 2 / (traceOf(ca) * traceOf(cb)), 1e-8));
    t.is(fitted.rotationTrace === null, d !== e);
  });

test('a rotation and a scale leave no residual, CKA of 1, and the rotation that was taken', async (t) => {
  const [n, d, scale] = [60, 9, 2.5];
  const a = centredRows(randomFloat64(n * d, 5), d);
  const rotation = randomOrthogonal(d, 6);
  const b = a.map((row) =>
    row.map((_, k) => scale * sum(row.map((value, j) => value * rotation[j * d + k]!))),
  );
  const [ca, cb, x] = [crossOf(a, a), crossOf(b, b), asMatrix(crossOf(a, b))];
  const fitted = procrustes(await singularValues(x, portableBackend), { a: traceOf(ca), b: traceOf(cb) });
  t.true(fitted.residual < 1e-13, String(fitted.residual));
  t.true(near(fitted.scale, scale));
  t.true(near(fitted.rotationTrace!, sum(a[0]!.map((_, j) => rotation[j * d + j]!)) / d, 1e-10));
  t.true(near(linearCka(x, asMatrix(ca), asMatrix(cb)), 1));
  const [one, other] = [
    await whiteningOf(asMatrix(ca), portableBackend),
    await whiteningOf(asMatrix(cb), portableBackend),
  ];
  t.true(near(await causalCka(x, one, other, portableBackend), 1));
});

test('rows of fewer directions than coordinates have that rank, and a causal CKA of 1 with themselves', async (t) => {
  const [n, d] = [30, 5];
  const a = centredRows(randomFloat64(n * d, 7), d).map((row) => [
    row[0]!,
    row[1]!,
    row[0]! + row[1]!,
    0,
    row[2]!,
  ]);
  const c = asMatrix(crossOf(a, a));
  const whitening = await whiteningOf(c, portableBackend);
  t.is(whitening.rank, 3);
  t.true(near(await causalCka(c, whitening, whitening, portableBackend), 1));
});

test('linear CKA of equal sets is exactly 1, and of rows of any size no overflow', (t) => {
  for (const scale of [1e-38, 1, 1e38]) {
    const values = randomFloat64(16, 8).map((value) => value * scale * scale);
    const c = { values, rows: 4, columns: 4 };
    t.is(linearCka(c, c, c), 1);
  }
});
