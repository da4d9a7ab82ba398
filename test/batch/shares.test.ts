import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { answer } from '../helpers/answers.js';
import { batchFile, spoilWeights } from '../helpers/batches.js';
import { type Ended, start, startUntilRecord } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { holdLock } from '../helpers/lock-holder.js';
import { hostsTest, onHost, startOnHost } from '../helpers/other-host.js';
import { shardedModel } from '../helpers/runs.js';
import { until } from '../helpers/until.js';

interface Row {
  model: string;
  status: string;
  error: string | null;
}

interface Series {
  file: string;
  /** The batch's own folder. */
  out: string;
}

/** A batch of so many small made-up models. */
function series(t: ExecutionContext, count: number, options: Record<string, unknown> = {}): Series {
  const folder = scratchDirectory(t);
  const out = path.join(folder, 'out');
  const runs = Array.from({ length: count }, (_, k) => ({
    name: `model-${k}`,
    synthetic: { rows: 90, hidden: 8, seed: k, directory: path.join(folder, `made-${k}`) },
  }));
  return { file: batchFile(t, { out, defaults: options, runs }), out };
}

/** Arguments of the process that has a share. */
const share = (file: string, index: number, of: number) => [
  ...['batch', file, '--workers', '1'],
  ...['--index', String(index), '--of', String(of)],
];

async function summaryOf(out: string): Promise<Row[]> {
  const query = 'SELECT model, status, error FROM summary';
  const { code, stdout, stderr } = await answer('sql', out, query, '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Row[];
}

/** Which runs a process computed to the end, by their numbers from 1. */
function computed({ stderr }: Ended): number[] {
  return [...stderr.matchAll(/^\[(\d+)\/\d+\] .*: done in /gm)].map(([, number]) => Number(number));
}

/** Locks and partial files that are left below a folder. */
function leftOver(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /lock|partial$/.test(name));
}

/** The folders that a dry run of a share names, by model. */
async function foldersOf(file: string, index: number, of: number): Promise<Record<string, string>> {
  const { stdout } = await answer(...share(file, index, of), '--dry-run', '--json');
  const { runs } = JSON.parse(stdout) as { runs: { model: string; folder: string }[] };
  return Object.fromEntries(runs.map(({ model, folder }) => [model, folder]));
}

hostsTest(
  'three machines share one batch at once: each computes its own runs, and the summary has all of them',
  async (t) => {
    const folder = scratchDirectory(t);
    const out = path.join(folder, 'out');
    // The first three are of one made-up model, which all machines want at once, and one of them makes.
    const runs = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1].map((ridge, k) => ({
      name: `model-${k}`,
      ridge,
      synthetic: { rows: 90, hidden: 8, seed: 1, directory: path.join(folder, k < 3 ? 'made' : `made-${k}`) },
    }));
    const file = batchFile(t, { out, runs });
    const hosts = ['node-a', 'node-b', 'node-c'];
    const ended = await Promise.all(
      hosts.map((host, index) => startOnHost(host, share(file, index, 3)).ended),
    );
    t.deepEqual(
      ended.map(({ code }) => code),
      [0, 0, 0],
      ended.map(({ stderr }) => stderr).join('\n'),
    );
    t.deepEqual(ended.map(computed), [
      [1, 4, 7],
      [2, 5],
      [3, 6],
    ]);
    const rows = await summaryOf(out);
    t.deepEqual(
      rows.map(({ model, status }) => [model, status]),
      runs.map(({ name }) => [name, 'finished']),
    );
    t.true(
      ended.some(({ stdout }) => stdout.includes('7 finished')),
      'the last table has all runs',
    );
    t.is((await answer('verify', out, '--quiet')).code, 0);
    t.deepEqual(leftOver(folder), []);
  },
);

test('a process that was killed -9 is said to have left its run, and started again ends the batch', async (t) => {
  const { file, out } = series(t, 5, { partitionRows: 10 });
  const at = { folder: 'model-1-', stage: 'project', records: 1, signal: 'SIGKILL' } as const;
  const killed = await startUntilRecord(share(file, 1, 2), at).ended;
  t.is(killed.code, null, killed.stderr);
  t.false(existsSync(path.join(out, 'summary.parquet')));

  const other = await answer(...share(file, 0, 2));
  t.is(other.code, 0, other.stderr);
  t.regex(other.stdout, /\n2 +model-1 +unfinished\n/);
  t.regex(other.stdout, /\n4 +model-3 +waiting\n/);
  t.regex(other.stdout, /\n3 finished \(0 of them before\), 0 failed, 1 left unfinished, 1 not begun\n/);
  t.deepEqual(
    (await summaryOf(out)).map(({ status }) => status),
    ['finished', 'unfinished', 'finished', 'waiting', 'finished'],
  );

  const again = await answer(...share(file, 1, 2));
  t.is(again.code, 0, again.stderr);
  t.regex(again.stderr, /model-1: resuming: [1-9]\d* of 9 partitions are done and intact\n/);
  t.regex(again.stdout, /\n5 finished \(0 of them before\), 0 failed\n/);
  const kept = await summaryOf(out);
  t.true(kept.every(({ status }) => status === 'finished'));

  // Another number of processes shares the same batch.
  const third = await answer(...share(file, 2, 3), '--json', '--quiet');
  t.is(third.code, 0, third.stderr);
  const { runs, all, index, of } = JSON.parse(third.stdout);
  t.deepEqual(
    runs.map(({ model, finished_before }: Row & { finished_before: boolean }) => [model, finished_before]),
    [['model-2', true]],
  );
  t.deepEqual({ index, of }, { index: 2, of: 3 });
  t.deepEqual(all, { finished: 5, failed: 0, computing: 0, unfinished: 0, waiting: 0 });
  t.deepEqual(await summaryOf(out), kept);
  t.is((await answer('verify', out, '--quiet')).code, 0);
});

test('a run that another process has locked is no failure, and is said to be computed there', async (t) => {
  const { file, out } = series(t, 2);
  const { 'model-1': folder = '' } = await foldersOf(file, 1, 2);
  mkdirSync(path.join(out, folder), { recursive: true });
  const lock = path.join(out, folder, '.eigenshard.lock');
  const holder = await holdLock(t, lock, 'process.stdin.resume();', onHost('node-b'));

  const mine = await answer(...share(file, 1, 2));
  t.is(mine.code, 0, mine.stderr);
  const said = `process ${holder.pid} on node-b is computing it`;
  t.true(mine.stderr.includes(`[2/2] model-1: ${said}\n`));
  t.true(
    mine.stdout.includes(`[2] model-1: ${said}\n0 finished (0 of them before), 0 failed, 1 being computed`),
  );
  t.regex(mine.stdout, /\n2 +model-1 +computing\n/);
  // The whole batch does not fail of it either.
  const whole = await answer('batch', file);
  t.is(whole.code, 0, whole.stderr);
  t.regex(whole.stdout, /\n1 finished \(0 of them before\), 0 failed, 1 being computed by others\n/);
  t.deepEqual(
    (await summaryOf(out)).map(({ status }) => status),
    ['finished', 'computing'],
  );
});

test('a run whose other process goes away is taken up at the end of the share', async (t) => {
  const { file, out } = series(t, 3);
  const { 'model-0': folder = '' } = await foldersOf(file, 0, 1);
  mkdirSync(path.join(out, folder), { recursive: true });
  const holder = await holdLock(t, path.join(out, folder, '.eigenshard.lock'), 'process.stdin.resume();');
  const { process: child, ended } = start(share(file, 0, 1));
  let heard = '';
  child.stderr!.on('data', (text: string) => {
    heard += text;
  });
  await until(() => heard.includes(`[1/3] model-0: process ${holder.pid} on`));
  holder.kill('SIGKILL');
  const { code, stdout, stderr } = await ended;
  t.is(code, 0, stderr);
  t.regex(stdout, /\n3 finished \(0 of them before\), 0 failed\n/);
});

test('the failure of a share is the exit code of its process, and stands in the summary of the others', async (t) => {
  const models = [1, 2, 3].map((seed) => shardedModel(t, 90, 8, seed).directory);
  const weights = path.join(models[1]!, 'model-00002-of-00002.safetensors');
  spoilWeights(weights, readFileSync(weights));
  const out = path.join(scratchDirectory(t), 'out');
  const runs = [...models, path.join(out, 'nowhere')].map((model, k) => ({ model, name: `model-${k}` }));
  const file = batchFile(t, { out, runs });
  const failing = await answer(...share(file, 1, 2));
  t.is(failing.code, 2, failing.stderr);
  t.regex(failing.stderr, /2 of 2 runs failed:\n\[2\] model-1: .*holds NaN/);
  t.regex(failing.stderr, /\n\[4\] model-3: .*nowhere/);
  t.is((await answer(...share(file, 0, 2))).code, 0);
  const rows = await summaryOf(out);
  t.deepEqual(
    rows.map(({ status }) => status),
    ['finished', 'failed', 'finished', 'failed'],
  );
  t.regex(rows[1]!.error!, /holds NaN at row 89/);
  t.regex(rows[3]!.error!, /nowhere/);
});

test('a full disk ends with 75, and the same call goes on when there is space again', async (t) => {
  const { file, out } = series(t, 2);
  const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
  const refusal = { calls: ['writeSync'], code: 'ENOSPC', path: 'out/model-0-' };
  const full = await start(share(file, 0, 1), {
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
    REFUSED_CALLS: JSON.stringify(refusal),
  }).ended;
  t.is(full.code, 75, full.stderr);
  t.regex(full.stderr, /1 of 2 runs failed:\n\[1\] model-0: .*disk full/);
  t.deepEqual(
    (await summaryOf(out)).map(({ status }) => status),
    ['failed', 'finished'],
  );
  const again = await answer(...share(file, 0, 1));
  t.is(again.code, 0, again.stderr);
  t.regex(again.stdout, /\n2 finished \(1 of them before\), 0 failed\n/);
});

test('SIGTERM ends a share with 143, and Ctrl-C with 130', async (t) => {
  const { file } = series(t, 2, { partitionRows: 10 });
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const at = { folder: 'model-1-', records: signal === 'SIGTERM' ? 6 : 1, signal };
    const ended = await startUntilRecord(share(file, 1, 2), at).ended;
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, /eigenshard: interrupted. Run the same command again to continue\n$/);
  }
});

test('a dry run with an index shows its share alone and writes nothing, by flags or by a scheduler', async (t) => {
  const { file, out } = series(t, 5);
  const dry = await answer('batch', file, '--dry-run', '--index', '1', '--of', '2');
  t.is(dry.code, 0, dry.stderr);
  t.deepEqual(dry.stdout.match(/model-\d(?= )/g), ['model-1', 'model-3']);
  t.regex(dry.stdout, /out: 2 of 5 runs, those of process 1 of 2, from 0 \(--index and --of\), 2 workers\n/);
  const array = {
    SLURM_ARRAY_TASK_ID: '3',
    SLURM_ARRAY_TASK_MIN: '1',
    SLURM_ARRAY_TASK_STEP: '1',
    SLURM_ARRAY_TASK_COUNT: '4',
  };
  const { stdout } = await start(['batch', file, '--dry-run', '--json'], array).ended;
  const { index, of, runs } = JSON.parse(stdout) as { index: number; of: number; runs: Row[] };
  t.deepEqual(
    { index, of, models: runs.map(({ model }) => model) },
    { index: 2, of: 4, models: ['model-2'] },
  );
  t.false(existsSync(out));
});

test('a process with no run at all writes the summary of the others, and ends well', async (t) => {
  const { file, out } = series(t, 2);
  const { code, stdout, stderr } = await answer(...share(file, 5, 6));
  t.is(code, 0, stderr);
  t.regex(stdout, /\n0 finished \(0 of them before\), 0 failed, 2 not begun\n/);
  t.is((await summaryOf(out)).length, 2);
});

test('an index without a count, or none of it, ends with 2 before anything is looked at', async (t) => {
  const { file, out } = series(t, 2);
  for (const [flags, message] of [
    [['--index', '1'], /^eigenshard: --index is 1, and nothing says of how many/],
    [['--index', '2', '--of', '2'], /--index is 2, which is none of 2/],
    [['--index', 'one', '--of', '2'], /--index: expected a whole number from 0, came "one"/],
  ] as const) {
    const { code, stderr } = await answer('batch', file, ...flags);
    t.is(code, 2);
    t.regex(stderr, message);
  }
  t.false(existsSync(out));
});

test('two runs of one batch that would write one file are refused, whoever computes them', async (t) => {
  const shared = path.join(scratchDirectory(t), 'shared.npy');
  const { directory } = shardedModel(t, 90, 8);
  const exported = { exports: { npy: { projections: shared } } };
  for (const runs of [
    [
      { model: directory, ...exported },
      { model: directory, ridge: 1, ...exported },
    ],
    [{ model: directory }, { model: directory }],
  ]) {
    const { code, stderr } = await answer(...share(batchFile(t, { runs }), 1, 2));
    t.is(code, 2, stderr);
    t.regex(stderr, /runs\[1\] \(sharded\): writes to .*, as runs\[0\] does/);
  }
});
