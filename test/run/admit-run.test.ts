import { existsSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { admitRun, type Candidate } from '../../src/run/admit-run.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { npy, safetensors, scratchDirectory, stateDict } from '../helpers/fixtures.js';
import { dataFiles, runHere, shardedModel } from '../helpers/runs.js';

const candidate = {
  name: 'model',
  shape: { rows: 1000, columns: 8, dtype: 'bfloat16', tensor: 'lm_head.weight', isFinal: true },
  bytesToDownload: 0,
  files: [],
} satisfies Candidate;

/** Bytes that a run needs of a file system, found by asking for less and less. */
async function neededBytes(
  overrides: Overrides,
  destination: Parameters<typeof admitRun>[2],
  found: Candidate = candidate,
): Promise<number> {
  const config = await loadConfig(null, { model: 'model', ...overrides });
  let [low, high] = [0, 2 ** 32];
  while (low < high) {
    const freeBytes = Math.floor((low + high) / 2);
    const fits = await admitRun(config, found, destination, async () => ({
      fileSystem: 'one',
      freeBytes,
    })).then(
      () => true,
      (error) => {
        if (!(error instanceof InputError)) throw error;
        return false;
      },
    );
    if (fits) high = freeBytes;
    else low = freeBytes + 1;
  }
  return low;
}

const inNewFolder = (out: string) => ({ path: out, isFinished: false, filesToRemove: () => [] });

test('a run needs its partitions, exports, tables, a made-up model and a download', async (t) => {
  const out = path.join(scratchDirectory(t), 'run');
  const bare = { tables: 'none', out } as const;
  const needs = (overrides: Overrides, found?: Candidate) =>
    neededBytes({ ...bare, ...overrides }, inNewFolder(out), found);
  const least = await needs({});
  t.true(least > 1000 * 8 * 4 && least < 1000 * 8 * 4 + 2 ** 17, `${least}`);
  // On whole blocks, with the file's share of manifest and records.
  const block = (bytes: number) => Math.ceil(bytes / 4096) * 4096 + 3 * 4096;
  t.is(await needs({ export: ['npy'] }), least + block(128 + 1000 * 8 * 4));
  t.true((await needs({ format: 'both' })) > least + 1000 * 8 * 4);
  t.true((await needs({ tables: 'all' })) > least + 1000 * 240);
  const made = { ...candidate, files: [{ path: path.join(out, '../made'), bytes: 50_000 }] };
  t.is(await needs({}, made), least + block(50_000));
  const downloadTarget = path.join(out, '../cache');
  t.is(await needs({}, { ...candidate, bytesToDownload: 12_345, downloadTarget }), least + 12_345);
});

test('what lies there of a run that is continued, or is removed before one that replaces it, is not needed again', async (t) => {
  const { directory: model, rows } = shardedModel(t, 30_000, 8);
  const out = path.join(scratchDirectory(t), 'run');
  const overrides = { model, partitionRows: 10_000, export: ['npy'], tables: 'none' } as const;
  const found = { ...candidate, name: 'sharded', shape: { ...candidate.shape, rows } };
  const [fresh] = [await neededBytes(overrides, inNewFolder(out), found)];
  await runHere({ out, ...overrides });
  const whole = rows * 8 * 4;
  t.true(fresh > 2 * whole);
  t.true((await neededBytes(overrides, inNewFolder(out), found)) < 2 ** 17);
  // Under the name that an export has until the run has been verified.
  rmSync(path.join(out, 'projections.npy'));
  const unfinished = path.join(out, '.projections.npy.unfinished');
  writeFileSync(unfinished, Buffer.alloc(whole / 2, 1));
  truncateSync(unfinished, whole + 128);
  const rest = await neededBytes(overrides, inNewFolder(out), found);
  t.true(rest > whole / 2 && rest < whole / 2 + 2 ** 17, `${rest}`);
  const removed = {
    ...inNewFolder(out),
    filesToRemove: () => [...dataFiles(out).keys()].map((name) => path.join(out, name)),
  };
  const other = { ...overrides, format: 'arrow' } as const;
  const replacing = await neededBytes(other, removed, found);
  t.true((await neededBytes(other, inNewFolder(out), found)) - replacing >= 2 ** 15);
});

test('a run that does not fit is refused with what it needs and what is free, and a finished one is not', async (t) => {
  const out = path.join(scratchDirectory(t), 'run');
  const config = await loadConfig(null, { model: 'model', out });
  const none = async () => ({ fileSystem: 'one', freeBytes: 1000 });
  const error = await t.throwsAsync(admitRun(config, candidate, inNewFolder(out), none), {
    instanceOf: InputError,
  });
  t.regex(
    error.message,
    /^\S+: the run needs \d+\.\d\d MB on this file system, 1\.00 kB are free\nNothing has been computed\. Free space, or give another --out/,
  );
  await t.notThrowsAsync(admitRun(config, candidate, { ...inNewFolder(out), isFinished: true }, none));
  t.false(existsSync(out));
});

test('a metric that is missing or not of this model is refused before the weights are read, and before anything is made', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  // Weights that the scan would refuse: who reads them first says so.
  const weights = path.join(model, 'model-00002-of-00002.safetensors');
  const data = new Uint8Array(60 * 8 * 2).fill(0xff);
  writeFileSync(
    weights,
    safetensors([
      { name: 'model.norm.weight', dtype: 'BF16', shape: [8], data: new Uint8Array(16) },
      { name: 'lm_head.weight', dtype: 'BF16', shape: [60, 8], data },
    ]),
  );
  const folder = scratchDirectory(t);
  const put = (name: string, bytes: Uint8Array) => {
    writeFileSync(path.join(folder, name), bytes);
    return path.join(folder, name);
  };
  const square = (n: number, width: number) => new Uint8Array(n * n * width);
  const out = path.join(scratchDirectory(t), 'run');
  for (const [metric, message] of [
    [path.join(folder, 'none.pt'), /none\.pt.*(not exist|no such|is not there|missing)/i],
    [put('small.npy', npy('<f4', [7, 7], square(7, 4))), /small\.npy: the metric is 7 x 7, expected 8 x 8/],
    [put('flat.npy', npy('<f4', [64], square(8, 4))), /flat\.npy: the metric is 64, expected 8 x 8/],
    [put('whole.npy', npy('<i4', [8, 8], square(8, 4))), /whole\.npy.*<i4/],
    [
      put('wide.safetensors', safetensors([{ name: 'M', dtype: 'F32', shape: [9, 9], data: square(9, 4) }])),
      /wide\.safetensors: the metric M is 9 x 9, expected 8 x 8/,
    ],
    [
      put('int.safetensors', safetensors([{ name: 'M', dtype: 'I32', shape: [8, 8], data: square(8, 4) }])),
      /int\.safetensors: tensor M is I32, expected BF16/,
    ],
    [
      put('other.pt', stateDict([{ name: 'M', shape: [9, 9], data: square(9, 4) }])),
      /other\.pt: the metric M is 9 x 9/,
    ],
    [put('text.pt', Buffer.from('not a metric')), /text\.pt/],
  ] as const) {
    const error = await t.throwsAsync(runHere({ model, metric, out }), { instanceOf: InputError });
    t.regex(error.message, message);
    t.false(existsSync(out));
  }
  // With one that fits, the weights are the fault.
  const fitting = put('fits.npy', npy('<f4', [8, 8], square(8, 4)));
  const { message } = (await t.throwsAsync(runHere({ model, metric: fitting, out })))!;
  t.true(message.includes('model-00002-of-00002.safetensors'), message);
  t.regex(
    (await t.throwsAsync(
      runHere({
        model,
        metric: put(
          'ridge.safetensors',
          safetensors([{ name: 'M', dtype: 'F32', shape: [8, 8], data: square(8, 4) }], { ridge: '0.5' }),
        ),
        ridge: 0.25,
        out,
      }),
    ))!.message,
    /was made with the ridge 0\.5, not 0\.25/,
  );
  t.deepEqual(readdirSync(path.dirname(out)), []);
  t.true(statSync(weights).size > 0);
});
