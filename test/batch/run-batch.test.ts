import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test, { type ExecutionContext } from 'ava';
import { loadBatch } from '../../src/batch/batch-config.js';
import { planBatch } from '../../src/batch/batch-plan.js';
import { runBatch } from '../../src/batch/run-batch.js';
import { createProgress } from '../../src/commands/progress.js';
import { RunError } from '../../src/errors.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { lockDirectory } from '../../src/files/wait-for-lock.js';
import { planModel } from '../../src/input/plan-model.js';
import { readManifest } from '../../src/output/manifest.js';
import { MANIFEST_NAME } from '../../src/output/run-folders.js';
import type { Progress } from '../../src/run/progress.js';
import { answer } from '../helpers/answers.js';
import { batchFile, plannedRuns, planOf, spoilWeights } from '../helpers/batches.js';
import { eigenshardUntilRecord } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { HubServer } from '../helpers/hub-server.js';
import { dataFiles, offlineHub, shardedModel } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';

interface Batch {
  file: string;
  /** The batch's own folder. */
  out: string;
  /** Of each model, the file with its weights. */
  weights: string[];
}

/** A batch of three models; `partitionRows` of the second one. */
function threeModels(t: ExecutionContext, partitionRows = 8192): Batch {
  const models = [1, 2, 3].map((seed) => shardedModel(t, 3000, 32, seed).directory);
  const out = path.join(scratchDirectory(t), 'out');
  const runs = models.map((model, index) => ({
    model,
    name: `model-${index + 1}`,
    ...(index === 1 ? { partitionRows } : {}),
  }));
  return {
    file: batchFile(t, { out, defaults: { exports: { npy: true } }, runs }),
    out,
    weights: models.map((model) => path.join(model, 'model-00002-of-00002.safetensors')),
  };
}

/** The folder of the run of model `number`, from 1. */
function folderOf(out: string, number: number): string {
  const name = readdirSync(out).find((entry) => entry.startsWith(`model-${number}-`));
  return path.join(out, name!);
}

/** When the runs were committed. */
function commits(out: string, numbers: readonly number[]): number[] {
  return numbers.map((number) => statSync(path.join(folderOf(out, number), MANIFEST_NAME)).mtimeMs);
}

async function summaryOf(out: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const columns = 'model, status, error, finished_before, rows';
  const file = path.join(out, 'summary.parquet');
  const result = await connection.runAndReadAll(`SELECT ${columns} FROM '${file}'`);
  connection.closeSync();
  return result.getRowObjects();
}

for (const [kind, damage, message] of [
  ['truncated', (file: string) => truncateSync(file, 1000), /model-00002-of-00002\.safetensors/],
  [
    'not finite',
    (file: string) => spoilWeights(file, readFileSync(file)),
    /lm_head\.weight holds NaN at row 2999, column 24/,
  ],
] as const) {
  test(`of three models one is ${kind}: two finish, it is reported, and a second call does it alone`, async (t) => {
    const { file, out, weights } = threeModels(t);
    const intact = readFileSync(weights[2]!);
    damage(weights[2]!);
    const first = await answer('batch', file);
    t.is(first.code, 2, first.stderr);
    t.regex(first.stderr, /1 of 3 runs failed:\n\[3\] model-3: /);
    t.regex(first.stderr, message);
    t.regex(first.stderr, /run the same command again to continue\n$/);
    t.regex(first.stdout, /2 finished \(0 of them before\), 1 failed/);
    t.like(await summaryOf(out), [
      { model: 'model-1', status: 'finished', error: null, rows: 3000 },
      { model: 'model-2', status: 'finished', error: null, rows: 3000 },
      { model: 'model-3', status: 'failed', rows: null },
    ]);
    const committed = commits(out, [1, 2]);

    // Nothing has changed: the third fails again, and the others are not computed again.
    const second = await answer('batch', file, '--quiet');
    t.is(second.code, 2);
    t.regex(second.stdout, /2 finished \(2 of them before\), 1 failed/);
    t.deepEqual(commits(out, [1, 2]), committed);

    writeFileSync(weights[2]!, intact);
    const third = await answer('batch', file, '--json', '--quiet');
    t.is(third.code, 0, third.stderr);
    const { runs } = JSON.parse(third.stdout) as { runs: Record<string, unknown>[] };
    t.deepEqual(
      runs.map(({ model, finished_before }) => [model, finished_before]),
      [
        ['model-1', true],
        ['model-2', true],
        ['model-3', false],
      ],
    );
    t.deepEqual(commits(out, [1, 2]), committed);
    t.true(readManifest(folderOf(out, 3)).verification.passed);
  });
}

test('killed during its second run, a batch called again ends with the same bytes and keeps the first run', async (t) => {
  const { file, out } = threeModels(t, 10);
  const whole = scratchDirectory(t);
  t.is((await answer('batch', file, '--out', path.join(whole, 'out'), '--quiet')).code, 0);
  const folder = path.basename(folderOf(path.join(whole, 'out'), 2));
  const at = { folder, stage: 'project', records: 37, signal: 'SIGKILL' } as const;
  const killed = await eigenshardUntilRecord(['batch', file], at);
  t.is(killed.code, null, killed.stderr);
  t.true(existsSync(path.join(folderOf(out, 1), MANIFEST_NAME)));
  t.false(existsSync(path.join(out, folder, MANIFEST_NAME)));
  t.false(existsSync(path.join(out, 'summary.parquet')));
  const committed = commits(out, [1]);

  const dry = await answer('batch', file, '--dry-run', '--json');
  const plan = JSON.parse(dry.stdout) as { runs: { state: string }[] };
  t.deepEqual(
    plan.runs.map(({ state }) => state),
    ['finished', 'unfinished', 'new'],
  );
  const again = await answer('batch', file);
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /\[1\/3\] model-1: finished before\n/);
  t.regex(again.stderr, /\[2\/3\] model-2: resuming: [1-9]\d* of 300 partitions are done and intact\n/);
  t.deepEqual(commits(out, [1]), committed);
  for (const number of [1, 2, 3]) {
    sameFiles(t, dataFiles(folderOf(out, number)), dataFiles(folderOf(path.join(whole, 'out'), number)));
  }
});

test('a checkpoint that changed in place does not replace the run of what it was', async (t) => {
  const { file, out, weights } = threeModels(t);
  t.is((await answer('batch', file, '--quiet')).code, 0);
  const kept = dataFiles(folderOf(out, 2));
  const bytes = readFileSync(weights[1]!);
  bytes[bytes.length - 2]! ^= 1;
  writeFileSync(weights[1]!, bytes);
  const { code, stderr } = await answer('batch', file);
  t.is(code, 2);
  t.regex(
    stderr,
    /\[2\] model-2: .*holds another run .* differ: weights SHA-256 \w+ -> SHA-256 \w+ .*\n {2}To start this run anew, remove .*model-2-/,
  );
  sameFiles(t, dataFiles(folderOf(out, 2)), kept);
});

test('Ctrl-C stops the whole batch at once with 130, says how to go on, and it goes on', async (t) => {
  const { file, out } = threeModels(t, 10);
  const at = { folder: 'model-2-', stage: 'project', records: 7, signal: 'SIGINT' } as const;
  const { code, stderr } = await eigenshardUntilRecord(['batch', file], at);
  t.is(code, 130, stderr);
  t.regex(stderr, /eigenshard: interrupted. Run the same command again to continue\n$/);
  t.notRegex(stderr, /FAILED|model-3: done/);
  t.false(readdirSync(out).some((name) => name.includes('lock')));
  t.is((await answer('batch', file, '--quiet')).code, 0);
});

test('a dry run shows what each run needs, writes nothing, and fails where a run cannot begin', async (t) => {
  const { file, out, weights } = threeModels(t);
  const dry = await answer('batch', file, '--dry-run');
  t.is(dry.code, 0, dry.stderr);
  t.regex(dry.stdout, /model +V x d +dtype +state +download +disk +memory +folder\n/);
  t.regex(
    dry.stdout,
    /1 +model-1 +3000 x 32 +bfloat16 +new +0 B +[\d.]+ MB +[\d.]+ MB +model-1-[0-9a-f]{10}\n/,
  );
  t.regex(dry.stdout, /needs [\d.]+ MB, [\d.]+ [GT]B free/);
  t.false(existsSync(out));

  truncateSync(weights[1]!, 1000);
  const refused = await answer('batch', file, '--dry-run');
  t.is(refused.code, 2);
  t.regex(refused.stdout, /\[2\/3\] model-2: .*safetensors/);
  t.regex(refused.stderr, /1 of 3 runs cannot begin/);
  t.false(existsSync(out));
});

test('a wrong configuration ends with 2 before anything is made', async (t) => {
  const out = path.join(scratchDirectory(t), 'out');
  const file = batchFile(t, { out, runs: [{ model: 'm' }, { model: 'm', format: 'csv' }] });
  const { code, stderr } = await answer('batch', file);
  t.is(code, 2);
  t.regex(stderr, /series\.json, runs\[1\]: "format" is "csv"/);
  t.false(existsSync(out));
});

test('a second batch in the same folder, and a summary of somebody else, are refused', async (t) => {
  const { file, out } = threeModels(t);
  mkdirSync(out);
  const lock = await lockDirectory(out, { note: () => {} });
  const second = await answer('batch', file, '--quiet');
  t.is(second.code, 2);
  t.regex(second.stderr, /process \d+ on .* is working there/);
  lock.release();
  writeFileSync(path.join(out, 'summary.parquet'), 'mine');
  const refused = await answer('batch', file, '--quiet');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /summary\.parquet: exists, and no eigenshard batch wrote it/);
  t.is(readFileSync(path.join(out, 'summary.parquet'), 'utf8'), 'mine');
});

test('models are fetched one ahead, and a download that fails is the failure of its run alone', async (t) => {
  const models = [1, 2, 3].map((seed) => shardedModel(t, 300, 8, seed).directory);
  const log: string[] = [];
  const find: typeof planModel = async (model, options) => {
    const found = await planModel(model, options);
    const number = models.indexOf(model) + 1;
    return {
      ...found,
      bytesToDownload: 4800,
      downloadTarget: path.join(model, 'matrix'),
      fetch: async (...args) => {
        log.push(`fetch ${number}`);
        if (number === 2) throw new RunError('the connection was cut');
        args[0](4800);
        return found.fetch(...args);
      },
    };
  };
  const plan = await planOf(t, { runs: models.map((model) => ({ model })) }, { find });
  const executor = new ThreadExecutor({ workers: 2 });
  const quiet = createProgress(process.stderr, true);
  const progress: Progress = {
    stage: (name, total) => {
      if (/: projection$/.test(name)) log.push(`compute ${name.slice(1, 2)}`);
      return quiet.stage(name, total);
    },
    note: (line) => {
      if (line.includes('downloaded')) log.push(line.replace(/ in .*/, ''));
    },
  };
  const outcomes = await runBatch(plan, {
    ...{ executor, progress, hub: offlineHub },
    signal: new AbortController().signal,
  });
  await executor.close();
  t.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'failed' ? outcome.message : outcome.status)),
    ['finished', 'the connection was cut', 'finished'],
  );
  t.deepEqual(
    log.filter((line) => !line.includes('downloaded')),
    ['fetch 1', 'fetch 2', 'compute 1', 'fetch 3', 'compute 3'],
  );
  t.deepEqual(
    log.filter((line) => line.includes('downloaded')),
    Array(2).fill('sharded: downloaded 4.80 kB'),
  );
});

test('models of the hub are downloaded once, and a second call downloads nothing', async (t) => {
  const { directory } = shardedModel(t, 300, 8);
  writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify({ model: { vocab: { a: 0 } } }));
  const server = await HubServer.start(t, directory);
  const hub = server.settings(t);
  const batch = batchFile(t, { runs: [{ model: 'some/model' }, { model: 'some/model', ridge: 1e-3 }] });
  const executor = new ThreadExecutor({ workers: 2 });
  t.teardown(() => executor.close());
  const progress = createProgress(process.stderr, true);
  const call = async () => {
    const plan = await planBatch(await loadBatch(batch), { hub });
    const outcomes = await runBatch(plan, {
      ...{ executor, progress, hub },
      signal: new AbortController().signal,
    });
    return { downloads: plannedRuns(plan).map((run) => run.bytesToDownload), outcomes };
  };
  const first = await call();
  t.true(first.downloads[0]! >= 300 * 8 * 2);
  t.is(server.seenOf('tokenizer.json').length, 1);
  const sent = server.seen.length;
  t.deepEqual(
    first.outcomes.map((outcome) => (outcome.status === 'failed' ? outcome.message : outcome.status)),
    ['finished', 'finished'],
  );
  const second = await call();
  t.deepEqual(second.downloads, [0, 0]);
  t.true(second.outcomes.every((outcome) => outcome.status === 'finished' && outcome.finishedBefore));
  const asked = server.seen.slice(sent).filter(({ range }) => range !== null);
  t.deepEqual(asked, [], 'no weights are asked for again');
});
