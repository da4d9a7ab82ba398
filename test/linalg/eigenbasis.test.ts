import test from 'ava';
import { InputError } from '../../src/errors.js';
import { portableBackend } from '../../src/linalg/backend/portable-backend.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric } from '../../src/linalg/eigenbasis.js';

const d = 4;
const diagonal = (scale: number) =>
  Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? (1 + k) * scale : 0));

test('a metric whose figures float64 cannot hold is an input that says so, at either end', async (t) => {
  for (const scale of [1e300, 1e160, 1e-200, 1e-310]) {
    await t.throwsAsync(eigenbasisOfMetric(diagonal(scale), d, null, portableBackend), {
      instanceOf: InputError,
      message:
        /^the metric has eigenvalues from \S+ to \S+, whose squares float64 cannot hold\. Scale the metric/,
    });
  }
  const full = new Float64Array(d * d).fill(1.5e308);
  for (let k = 0; k < d; k++) full[k * (d + 1)] = 1.7e308;
  await t.throwsAsync(eigenbasisOfMetric(full, d, null, portableBackend), { instanceOf: InputError });
});

test('a metric within float64 stays what it is, however large', async (t) => {
  for (const scale of [1e150, 1, 1e-150]) {
    const { eigenvalues } = await eigenbasisOfMetric(diagonal(scale), d, null, portableBackend);
    t.deepEqual(
      Array.from(eigenvalues),
      [1, 6, 11, 16].map((value) => value * scale),
    );
  }
});

test('a covariance so small that its inverse is no float64 is refused', async (t) => {
  await t.throwsAsync(eigenbasisOfCovariance(diagonal(1e-200), d, 1e-200, portableBackend), {
    instanceOf: InputError,
    message: /^the metric has eigenvalues from .* 1 \/ \(variance \+ ridge\)$/,
  });
});
