import { statSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { loadConfig } from '../src/config.js';
import { planRun } from '../src/plan.js';
import { planRunFiles } from '../src/run-files.js';
import { dataFiles, runHere, shardedModel } from './helpers/runs.js';
import { scratchDirectory } from './input/fixtures.js';

test('the files of a run and their sizes are known to the byte before it begins', async (t) => {
  // Odd sizes: Arrow pads to 8 bytes, and the last partition is shorter.
  const { directory: model, rows, hidden } = shardedModel(t, 61, 7);
  const metricRun = scratchDirectory(t);
  await runHere({ model, out: metricRun });
  const metric = path.join(metricRun, 'metric.safetensors');
  for (const overrides of [
    { format: 'parquet' },
    { format: 'arrow', partitionRows: 25 },
    { format: 'both', partitionRows: 1, export: ['pt', 'safetensors', 'npy'] },
    { format: 'both', partitionRows: 20, metric, export: ['pt'] },
    { format: 'parquet', ridge: 0.25 },
  ] as const) {
    const out = scratchDirectory(t);
    const { manifest } = await runHere({ model, out, ...overrides });
    const config = { ...(await loadConfig(null, { model, out, ...overrides })), out };
    const { format, partitionRows } = config;
    const plan = planRun({ rows, hidden, partitionRows, format });
    const files = await planRunFiles(config, {
      plan,
      name: manifest.model.name,
      ridge: manifest.metric.ridge,
    });
    const written = [...dataFiles(out)].map(([name, bytes]) => [name, bytes.length]);
    t.deepEqual(Object.fromEntries(files.map((file) => [path.relative(out, file.path), file.bytes])), {
      ...Object.fromEntries(written),
    });
  }
});

test('an export with a path of its own is where the configuration says', async (t) => {
  const { directory: model, rows, hidden } = shardedModel(t, 20, 4);
  const [out, elsewhere] = [scratchDirectory(t), path.join(scratchDirectory(t), 'p.npy')];
  const loaded = await loadConfig(null, { model, out });
  const config = { ...loaded, out, exports: { npy: { projections: elsewhere } } };
  const plan = planRun({ rows, hidden, partitionRows: 20, format: 'parquet' });
  const files = await planRunFiles(config, { plan, name: 'm', ridge: 1e-6 });
  t.deepEqual(files.at(-1), { path: elsewhere, bytes: 128 + rows * hidden * 4 });
  t.throws(() => statSync(elsewhere), { code: 'ENOENT' });
});
