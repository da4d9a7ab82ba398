import test from 'ava';
import { InputError } from '../../src/errors.js';
import { planRun } from '../../src/plan/plan-run.js';
import { peakMemoryBytes, refuseBeyondMemory } from '../../src/run/peak-memory.js';

const full = { rows: 151_936, hidden: 2560, partitionRows: 6144, format: 'parquet' } as const;
const options = { dtype: 'bfloat16', workers: 2, computesMetric: false } as const;

test('the estimate of the job at full size is near what was measured, 561 MB', (t) => {
  const estimate = peakMemoryBytes(planRun(full), options);
  t.log(`estimated ${(estimate / 1e6).toFixed(0)} MB`);
  t.true(Math.abs(estimate / 561e6 - 1) < 0.15);
});

test('memory grows with the partition, the workers and d, and not with the vocabulary', (t) => {
  const estimate = peakMemoryBytes(planRun(full), options);
  t.is(peakMemoryBytes(planRun({ ...full, rows: 2 * full.rows }), options), estimate);
  t.true(peakMemoryBytes(planRun({ ...full, partitionRows: 12_288 }), options) > estimate + 2 * 60e6);
  t.true(peakMemoryBytes(planRun({ ...full, format: 'both' }), options) > estimate + 2 * 55e6);
  t.true(peakMemoryBytes(planRun(full), { ...options, workers: 3 }) > estimate + 80e6);
  t.true(peakMemoryBytes(planRun({ ...full, hidden: 5120 }), options) > 2 * estimate);
});

test('rows so long that no machine could decompose their covariance are refused, and all others go on', (t) => {
  for (const columns of [1e6, 1e9]) {
    t.throws(() => refuseBeyondMemory('model', { rows: 1, columns }), {
      instanceOf: InputError,
      message:
        /^model: 1 row of 1[,0]+ numbers: .* takes about [\d.]+ TB of memory, and there are .*B; is it the matrix/,
    });
  }
  t.notThrows(() => refuseBeyondMemory('model', { rows: 2, columns: 8192 }));
});
