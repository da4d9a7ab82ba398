import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { readMetric } from '../../src/input/metric.js';
import { METRIC_NAME, readMoment, readWeighing, writeMetric } from '../../src/output/metric-file.js';
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
    const tensors = { metric: symmetric(d, 1), moment: symmetric(d, 2), mean: randomFloat64(d, 3) };
    const given = { ...tensors, secondMoment: 'centred', weights: null } as const;
    const record = await writeMetric(directory, given, {});
    const file = join(directory, METRIC_NAME);
    t.deepEqual(await readMoment(directory, d, 'centred'), given.moment);
    t.deepEqual(
      await withStoredTensors(file, async (stored) => ({
        metric: await stored.float64('M', [d, d]),
        moment: await stored.float64('C', [d, d]),
        mean: await stored.float64('mean', [d]),
      })),
      tensors,
    );
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    t.deepEqual(record, { path: METRIC_NAME, bytes: bytes.length, sha256 });
  }
});

test("the file serves another run as its metric: M, not C, with the ridge and the file's own checksum", async (t) => {
  const directory = scratchDirectory(t);
  const metric = symmetric(5, 1);
  const tensors = { metric, moment: symmetric(5, 2), mean: randomFloat64(5, 3) };
  const given = { ...tensors, secondMoment: 'centred', weights: null } as const;
  const { sha256 } = await writeMetric(directory, given, { model: 'made/up', ridge: String(1e-6) });
  const read = await readMetric(join(directory, METRIC_NAME), { hiddenSize: 5 });
  t.deepEqual(read.matrix, metric);
  t.like(read, { tensor: 'M', dtype: 'float64', ridge: 1e-6, sha256, asymmetry: { max: 0, relative: 0 } });
});

test('a covariance of another hidden size is refused', async (t) => {
  const directory = scratchDirectory(t);
  const tensors = { metric: symmetric(3, 1), moment: symmetric(3, 2), mean: randomFloat64(3, 3) };
  await writeMetric(directory, { ...tensors, secondMoment: 'centred', weights: null }, {});
  await t.throwsAsync(readMoment(directory, 4, 'centred'), {
    instanceOf: InputError,
    message: /expected the tensor C, F64 \[4, 4\]; there is F64 \[3, 3\]/,
  });
});

test('the second moment about zero and the weights lie there under names of their own', async (t) => {
  const directory = scratchDirectory(t);
  const weights = randomFloat64(9, 4);
  const tensors = { metric: symmetric(3, 1), moment: symmetric(3, 2), mean: randomFloat64(3, 3) };
  await writeMetric(directory, { ...tensors, secondMoment: 'uncentred', weights }, {});
  t.deepEqual(await readMoment(directory, 3, 'uncentred'), tensors.moment);
  t.deepEqual(await readWeighing(directory, { rows: 9, hidden: 3 }), { weights, mean: tensors.mean });
  await t.throwsAsync(readMoment(directory, 3, 'centred'), { message: /expected the tensor C/ });
});
