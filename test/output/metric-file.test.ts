import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { readMetric } from '../../src/input/metric.js';
import { METRIC_NAME, readCovariance, writeMetric } from '../../src/output/metric-file.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat64 } from '../helpers/random.js';

/** A symmetric matrix of random numbers. */
function symmetric(d: number, seed: number): Float64Array {
  const values = randomFloat64(d * d, seed);
  return values.map((_, k) => values[Math.max(k, (k % d) * d + Math.floor(k / d))]!);
}

test('metric, covariance and mean come back to the bit', async (t) => {
  for (const d of [1, 2, 17]) {
    const directory = scratchDirectory(t);
    const given = { metric: symmetric(d, 1), covariance: symmetric(d, 2), mean: randomFloat64(d, 3) };
    const record = writeMetric(directory, given, {});
    const file = join(directory, METRIC_NAME);
    t.deepEqual(await readCovariance(directory, d), given.covariance);
    t.deepEqual(
      await withStoredTensors(file, async (tensors) => ({
        metric: await tensors.float64('M', [d, d]),
        covariance: await tensors.float64('C', [d, d]),
        mean: await tensors.float64('mean', [d]),
      })),
      given,
    );
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    t.deepEqual(record, { path: METRIC_NAME, bytes: bytes.length, sha256 });
  }
});

test("the file serves another run as its metric: M, not C, with the ridge and the file's own checksum", async (t) => {
  const directory = scratchDirectory(t);
  const metric = symmetric(5, 1);
  const given = { metric, covariance: symmetric(5, 2), mean: randomFloat64(5, 3) };
  const { sha256 } = writeMetric(directory, given, { model: 'made/up', ridge: String(1e-6) });
  const read = await readMetric(join(directory, METRIC_NAME), { hiddenSize: 5 });
  t.deepEqual(read.matrix, metric);
  t.like(read, { tensor: 'M', dtype: 'float64', ridge: 1e-6, sha256, asymmetry: { max: 0, relative: 0 } });
});

test('a covariance of another hidden size is refused', async (t) => {
  const directory = scratchDirectory(t);
  writeMetric(
    directory,
    { metric: symmetric(3, 1), covariance: symmetric(3, 2), mean: randomFloat64(3, 3) },
    {},
  );
  await t.throwsAsync(readCovariance(directory, 4), {
    instanceOf: InputError,
    message: /expected the tensor C, F64 \[4, 4\]; there is F64 \[3, 3\]/,
  });
});
