import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { EigenshardError } from '../../src/errors.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { DIRECTORY_LOCK } from '../../src/files/lock.js';
import { loadConfig } from '../../src/run/config.js';
import { coordinateRun } from '../../src/run/coordinator.js';
import { silentProgress } from '../../src/run/progress.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { refuseCalls } from '../helpers/refused-calls.js';
import { dataFiles, offlineHub, runHere, shardedModel } from '../helpers/runs.js';

/** Of the calls that a run makes for its files on this thread, every so many one is refused. */
const STEP = 3;

/** What a system may say at any call. */
const codes = ['EIO', 'ENOSPC', 'EMFILE', 'EROFS', 'EACCES', 'ESTALE', 'ETIMEDOUT', 'EREMOTEIO', 'EDQUOT'];

test('whatever call the system refuses, the error names a file and says what to do, and --resume ends the run', async (t) => {
  const directory = scratchDirectory(t);
  const model = shardedModel(t, 120, 16).directory;
  const executor = new ThreadExecutor({ workers: 2 });
  t.teardown(() => executor.close());
  const run = async (name: string, flags: { resume: boolean }) => {
    const config = await loadConfig(null, {
      ...{ model, out: path.join(directory, name), format: 'both', partitionRows: 48 },
      ...{ export: ['npy', 'pt'], backend: 'portable', workers: 2 },
    });
    const context = { executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub };
    return coordinateRun(config, { overwrite: false, ...flags }, context);
  };
  const counted = refuseCalls({ code: 'EIO', path: path.join(directory, 'whole'), at: -1 });
  await run('whole', { resume: false });
  counted.end();
  const expected = dataFiles(path.join(directory, 'whole'));
  t.true(counted.seen() > 100, `${counted.seen()} calls`);

  const problems: string[] = [];
  for (let at = 0; at < counted.seen(); at += STEP) {
    const name = `refused${at}`;
    const code = codes[(at / STEP) % codes.length]!;
    const refused = refuseCalls({ code, path: path.join(directory, name), at });
    try {
      await run(name, { resume: false });
    } catch (error) {
      const { message, stack } = error as Error;
      const [line] = message.split('\n');
      const isExplained =
        error instanceof EigenshardError &&
        line!.includes(path.join(directory, name)) &&
        /: cannot (?:read|write).*: .*[:;] .* \(E\w+\)$/.test(line!);
      if (!isExplained) problems.push(`call ${at}, ${code}: ${stack}`);
    } finally {
      refused.end();
    }
    // Whoever could not remove its lock has ended by then.
    rmSync(path.join(directory, name, DIRECTORY_LOCK), { force: true });
    await run(name, { resume: true });
    t.deepEqual(dataFiles(path.join(directory, name)), expected, `call ${at}, ${code}`);
  }
  t.deepEqual(problems, []);
});

test('a file system that is read-only is called so, where several directories are to be made', async (t) => {
  const out = path.join(scratchDirectory(t), 'read-only', 'a', 'b');
  mkdirSync(path.dirname(path.dirname(out)));
  const model = shardedModel(t, 20, 8).directory;
  const readOnly = refuseCalls({ calls: ['mkdirSync'], code: 'EROFS', path: path.dirname(out) });
  const error = await t.throwsAsync(runHere({ model, out }), { instanceOf: EigenshardError });
  readOnly.end();
  t.regex(error.message, /a\/b: cannot write: the file system is read-only: choose another path \(EROFS\)$/);
});

for (const [calls, code, message] of [
  [
    ['openSync'],
    'EIO',
    /projections\.npy(?:\.unfinished)?: cannot write: the disk reports a write error: check it/,
  ],
  [['writeSync'], 'EDQUOT', /part-0000\d\.arrow: cannot write: disk quota used up: free space/],
  [
    ['renameSync'],
    'ESTALE',
    /part-0000\d\.arrow: cannot write: the network file system lost the file: mount/,
  ],
] as const) {
  test(`a worker whose ${calls[0]} is refused (${code}) ends the run with one line, and nothing is left lying about`, async (t) => {
    const out = path.join(scratchDirectory(t), 'out');
    const model = shardedModel(t, 60, 8).directory;
    const part = code === 'EIO' ? 'npy.unfinished' : '.arrow';
    const { NODE_OPTIONS = '' } = process.env;
    const { ended } = start(
      [
        ...['--model', model, '--out', out, '--quiet', '--workers', '1', '--backend', 'portable'],
        ...['--format', 'arrow', '--export', 'npy', '--partition-rows', '30'],
      ],
      {
        NODE_OPTIONS: `${NODE_OPTIONS} --import ${new URL('../helpers/refused-calls.js', import.meta.url).href}`,
        // The coordinator opens the exports twice: to make them, and to end them.
        REFUSED_CALLS: JSON.stringify({ calls, code, path: part, ...(code === 'EIO' ? { at: 0 } : {}) }),
      },
    );
    const { code: status, stderr } = await ended;
    t.true([1, 2, 75].includes(status!), stderr);
    t.regex(stderr, message);
    t.notRegex(stderr, /^\s+at /m);
    t.deepEqual(
      [...dataFiles(out).keys()].filter((name) => name.endsWith('.partial')),
      [],
    );
  });
}
