import { statSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { REPORT_NAME, TABLE_NAMES } from '../../src/output/manifest.js';
import { planRun } from '../../src/plan/plan-run.js';
import { loadConfig } from '../../src/run/config.js';
import { planRunFiles } from '../../src/run/planned-files.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { dataFiles, runHere, shardedModel } from '../helpers/runs.js';

test('the files of a run are known before it begins, data to the byte, tables and report with their bounds', async (t) => {
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
    const written = new Map([...dataFiles(out)].map(([name, bytes]) => [name, bytes.length]));
    const planned = new Map(files.map((file) => [path.relative(out, file.path), file.bytes]));
    t.deepEqual([...planned.keys()].sort(), [...written.keys()].sort());
    for (const [name, bytes] of written) {
      const isBounded = name === REPORT_NAME || Object.values<string>(TABLE_NAMES).includes(name);
      if (isBounded) t.true(bytes <= planned.get(name)!, `${name}: ${bytes} of ${planned.get(name)} bytes`);
      else t.is(bytes, planned.get(name)!, name);
    }
  }
});

test('an export with a path of its own is where the configuration says', async (t) => {
  const { directory: model, rows, hidden } = shardedModel(t, 20, 4);
  const [out, elsewhere] = [scratchDirectory(t), path.join(scratchDirectory(t), 'p.npy')];
  const loaded = await loadConfig(null, { model, out });
  const config = { ...loaded, out, exports: { npy: { projections: elsewhere } } };
  const plan = planRun({ rows, hidden, partitionRows: 20, format: 'parquet' });
  const files = await planRunFiles(config, { plan, name: 'm', ridge: 1e-6 });
  t.deepEqual(
    files.find(({ path: file }) => file === elsewhere),
    { path: elsewhere, bytes: 128 + rows * hidden * 4 },
  );
  t.throws(() => statSync(elsewhere), { code: 'ENOENT' });
});
