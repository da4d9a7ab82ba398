import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { forecastText } from '../../src/commands/forecast-text.js';
import type { HubSettings } from '../../src/hub/settings.js';
import { withContext } from '../../src/run/caller.js';
import { type Config, loadConfig, type Overrides } from '../../src/run/config.js';
import { forecastRun, type RunForecast } from '../../src/run/forecast-run.js';
import { answer } from '../helpers/answers.js';
import { checkpointDirectory, matrix } from '../helpers/checkpoints.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { shardedHub } from '../helpers/hub-models.js';
import { dataFiles, offlineHub, runHere, shardedModel } from '../helpers/runs.js';

async function forecastOf(
  config: Config,
  overwrite = false,
  hub: HubSettings = offlineHub,
): Promise<RunForecast> {
  return withContext(config.workers, {}, (context) =>
    forecastRun(config, { overwrite }, { ...context, hub }),
  );
}

async function forecastHere(overrides: Overrides, overwrite = false): Promise<RunForecast> {
  return forecastOf(await loadConfig(null, { workers: 2, backend: 'portable', ...overrides }), overwrite);
}

/** A folder that must stay as it is while the test looks at it. */
function newFolder(t: ExecutionContext): string {
  return path.join(scratchDirectory(t), 'run');
}

test('a dry run tells what the run then has, and writes nothing', async (t) => {
  const { directory: model } = shardedModel(t, 250, 9);
  const metricRun = newFolder(t);
  await runHere({ model, out: metricRun, ridge: 0.5 });
  const metric = path.join(metricRun, 'metric.safetensors');
  for (const overrides of [
    { format: 'both', partitionRows: 100, export: ['pt', 'npy'], top: 300 },
    { metric, tables: 'none', format: 'arrow' },
    { report: false, ridge: 0.25, workers: 1 },
  ] as const) {
    const out = newFolder(t);
    const forecast = await forecastHere({ model, out, ...overrides });
    t.deepEqual(readdirSync(path.dirname(out)), []);
    t.deepEqual(forecast.state, { is: 'new' });
    const { manifest } = await runHere({ model, out, ...overrides });
    const { name, revision, tensor, rows, hidden, dtype } = manifest.model;
    const found = { name, revision, tensor, rows, hidden, dtype, norm: null, bytesToDownload: 0 };
    const { notes, ...told } = forecast.model;
    t.deepEqual(told, found);
    t.true(
      notes.every((note) => manifest.model.notes.includes(note)),
      notes.join(),
    );
    t.is(forecast.metric.source, manifest.metric.source);
    t.is(forecast.metric.ridge, manifest.metric.ridge);
    if (forecast.metric.source === 'file')
      t.like(forecast.metric, { file: metric, tensor: 'M', dtype: 'float64' });
    const sum = (files: readonly { bytes: number }[]) => files.reduce((total, { bytes }) => total + bytes, 0);
    t.deepEqual(forecast.partitions, {
      count: manifest.partitions.length,
      rows: manifest.options.partitionRows,
      format: manifest.options.format,
      bytes: sum(manifest.partitions.flatMap(({ files }) => files)),
    });
    t.deepEqual(
      forecast.exports,
      manifest.exports.map(({ path: file, bytes }) => ({ path: file, bytes })),
    );
    t.is(forecast.tables?.top, manifest.tables?.top);
    if (manifest.tables !== null) t.true(forecast.tables!.bytes >= sum(manifest.tables.files));
    t.is((forecast.tables?.reportBytes ?? 0) > 0, manifest.report !== null);
    t.true(forecast.bytes >= [...dataFiles(out).values()].reduce((total, { length }) => total + length, 0));
    t.deepEqual(forecast.backend, manifest.execution.kernels);
    t.is(forecast.workers, manifest.execution.workers);
    // What lies there now is not needed again.
    const again = await forecastHere({ model, out, ...overrides });
    t.deepEqual(again.state, { is: 'finished' });
    t.true(again.disks[0]!.neededBytes < forecast.disks[0]!.neededBytes);
    t.true(forecast.disks[0]!.neededBytes > forecast.partitions.bytes);
  }
});

test('what is to be known of the matrix is told before it is taken', async (t) => {
  const config = { hidden_size: 3, tie_word_embeddings: true };
  const model = checkpointDirectory(t, { config, single: [matrix('model.embed_tokens.weight')] });
  const forecast = await forecastHere({ model, out: newFolder(t), side: 'input' });
  t.regex(forecastText(forecast), /^ {2}note {8}the embeddings are tied: .* is the unembedding matrix too/m);
});

test('the stages of a dry run are those of the run, each with a time above 0, and their sum', async (t) => {
  const { directory: model } = shardedModel(t, 600, 16);
  const out = newFolder(t);
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('eigenshard-dry-run-'));
  const { time } = await forecastHere({ model, out });
  const { manifest } = await runHere({ model, out });
  for (const [stage, seconds] of Object.entries(time.stages)) {
    t.true(seconds > 0 && seconds < Number.POSITIVE_INFINITY, `${stage}: ${seconds}`);
    t.true(stage === 'start-up' || stage in manifest.execution.seconds, stage);
  }
  t.is(
    time.seconds,
    Object.values(time.stages).reduce((sum, seconds) => sum + seconds, 0),
  );
  t.true(time.measuredSeconds > 0);
  t.log(`estimated ${time.seconds.toFixed(2)} s, measured in ${time.measuredSeconds.toFixed(2)} s`);
  const after = readdirSync(tmpdir()).filter((name) => name.startsWith('eigenshard-dry-run-'));
  t.deepEqual(
    after.filter((name) => !before.includes(name) && existsSync(path.join(tmpdir(), name, 'rows'))),
    [],
  );
});

test('few rows and dimensions, rows of every dtype and one worker more than rows are measured as well', async (t) => {
  const { directory: model } = shardedModel(t, 2, 1);
  const forecast = await forecastHere({ model, out: newFolder(t), workers: 3, top: 1, format: 'both' });
  t.true(forecast.time.seconds > 0 && Number.isFinite(forecast.time.seconds));
});

test('an unfinished run is told with the partitions that it has, and is left as it is', async (t) => {
  const { directory: model } = shardedModel(t, 90, 8);
  const out = newFolder(t);
  const overrides = { model, out, partitionRows: 30 };
  await runHere(overrides);
  rmSync(path.join(out, 'manifest.json'));
  const before = dataFiles(out);
  const { state, partitions } = await forecastHere(overrides);
  t.deepEqual([state, partitions.count], [{ is: 'unfinished', partitionsDone: 3 }, 3]);
  t.deepEqual(dataFiles(out), before);
});

test('a model of the hub is told with what would be downloaded, and is not', async (t) => {
  const { server, model, matrix } = await shardedHub(t);
  const tokenizer = server.files.get('tokenizer.json')!.content;
  const config = await loadConfig(null, {
    model: 'some/model',
    out: newFolder(t),
    workers: 1,
    backend: 'portable',
  });
  const { model: found, disks, state } = await forecastOf(config, false, server.settings(t));
  t.like(found, {
    name: 'some/model',
    rows: model.rows,
    hidden: model.hidden,
    bytesToDownload: matrix.length + tokenizer.length,
  });
  t.is(found.revision?.length, 40);
  t.true(disks.reduce((sum, { neededBytes }) => sum + neededBytes, 0) > matrix.length);
  t.deepEqual(state, { is: 'new' });
});

test('a made-up model is known before it is made, and is not made', async (t) => {
  const folder = scratchDirectory(t);
  const loaded = await loadConfig(null, {
    model: 'unused',
    workers: 1,
    backend: 'portable',
    out: path.join(folder, 'run'),
  });
  const { model: _, ...options } = loaded;
  const synthetic = { rows: 5000, hidden: 16, seed: 3, directory: path.join(folder, 'made') };
  const { model, disks } = await forecastOf({ ...options, synthetic } as Config);
  t.like(model, { name: 'made', rows: 5000, hidden: 16, dtype: 'bfloat16' });
  t.true(disks[0]!.neededBytes > 5000 * 16 * (2 + 4));
  t.deepEqual(readdirSync(folder), []);
});

test('the command shows a dry run as text and as JSON, and refuses what the run would refuse', async (t) => {
  const { directory: model } = shardedModel(t, 90, 8);
  const out = newFolder(t);
  const call = ['--model', model, '--out', out, '--dry-run', '--workers', '1', '--export', 'npy'];
  const text = await answer(...call);
  t.is(text.code, 0, text.stderr);
  for (const line of [
    /^dry run: nothing is computed, and nothing is written to \S+run$/m,
    /^ {2}model {7}sharded, lm_head\.weight, 90 x 8 bfloat16$/m,
    /^ {2}metric {6}computed from the checkpoint, ridge 0\.000001$/m,
    /^ {2}directory {3}holds no run yet$/m,
    /^ {2}partitions {2}1 of up to 90 rows, parquet, \d+\.\d\d kB$/m,
    /^ {2}export {6}projections\.npy, 3\.01 kB$/m,
    /^ {2}tables {6}4, with lists of 20 tokens, at most \d/m,
    /^ {2}disk {8}\d.* needed, \d.* free/m,
    /^ {2}memory {6}about \d.* MB at most/m,
    /^ {2}time {8}about \d.* s with 1 worker: an estimate, from \d.* s of measuring on this machine$/m,
    /^ {14}start-up \d.* s, scan \d/m,
  ])
    t.regex(text.stdout, line);
  const json = JSON.parse((await answer(...call, '--json', '--quiet')).stdout) as RunForecast;
  t.deepEqual([json.directory, json.model.rows, json.exports.length], [out, 90, 1]);
  t.false(existsSync(out));
  const refused = await answer(...call, '--metric', path.join(model, 'none.pt'));
  t.is(refused.code, 2);
  t.regex(refused.stderr, /none\.pt: cannot read the metric/);
});
