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
import { campaignLack, timeOf, trials } from '../helpers/campaign.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomNumbers } from '../helpers/random.js';
import { refuseCalls } from '../helpers/refused-calls.js';
import { dataFiles, offlineHub, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';

/** Of the calls that a run makes for its files on this thread, every so many one is refused. */
const STEP = campaignLack === null ? 3 : 29;

/** What a system may say at any call. */
const codes = ['EIO', 'ENOSPC', 'EMFILE', 'EROFS', 'EACCES', 'ESTALE', 'ETIMEDOUT', 'EREMOTEIO', 'EDQUOT'];

// One after the other: each puts calls of its own in the place of the system's, and takes them away again.
test.serial(
  'whatever call the system refuses, the error names a file and says what to do, and --resume ends the run',
  async (t) => {
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
      sameFiles(t, dataFiles(path.join(directory, name)), expected);
    }
    t.deepEqual(problems, []);
  },
);

test.serial(
  `a disk that is full from any call on ends a run with one line, and --resume ends it with the same bytes`,
  async (t) => {
    t.timeout(timeOf(trials(4), 30));
    const directory = scratchDirectory(t);
    const model = shardedModel(t, 120, 16).directory;
    const options = { model, format: 'both', partitionRows: 48, export: ['npy', 'pt'] } as const;
    const writing = ['writeSync', 'fsyncSync', 'ftruncateSync', 'truncateSync', 'mkdirSync', 'writeFileSync'];
    const whole = path.join(directory, 'whole');
    const counted = refuseCalls({ calls: writing, code: 'EIO', path: whole, at: -1 });
    await runHere({ ...options, out: whole });
    counted.end();
    const expected = dataFiles(whole);
    const random = randomNumbers(20_261_131).uniform;
    let refusals = 0;
    const problems: string[] = [];
    for (let k = 0; k < trials(4); k++) {
      const out = path.join(directory, `full${k}`);
      const at = Math.floor(random() * counted.seen());
      const refused = refuseCalls({ calls: writing, code: 'ENOSPC', path: out, at, isSticky: true });
      const error = await runHere({ ...options, out }).then(
        () => null,
        (reason: unknown) => reason,
      );
      refused.end();
      const told = ': cannot write: disk full: free space, and run the same command again (ENOSPC)';
      // The last calls of all may not come in every run.
      if (error instanceof EigenshardError && error.message.includes(told)) refusals++;
      else if (error !== null) problems.push(`call ${at}: ${(error as Error).stack}`);
      await runHere({ ...options, out }, { resume: true });
      sameFiles(t, dataFiles(out), expected);
    }
    t.true(refusals > trials(4) / 2, `${refusals} of ${trials(4)} refused`);
    t.deepEqual(problems, []);
  },
);

test.serial(
  `a run that is killed at any call for its files is resumed to the same bytes, and leaves nothing else behind`,
  async (t) => {
    t.timeout(timeOf(trials(4), 30));
    const directory = scratchDirectory(t);
    const model = shardedModel(t, 120, 16).directory;
    const options = { model, format: 'both', partitionRows: 48, export: ['npy', 'pt'] } as const;
    const whole = path.join(directory, 'whole');
    const counted = refuseCalls({ code: 'EIO', path: whole, at: -1 });
    await runHere({ ...options, out: whole });
    counted.end();
    const expected = dataFiles(whole);
    const random = randomNumbers(20_261_132).uniform;
    const { NODE_OPTIONS = '' } = process.env;
    const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
    for (let k = 0; k < trials(4); k++) {
      const out = path.join(directory, `killed${k}`);
      // Every thread counts its own calls, and the first one that comes so far ends the process.
      const at = Math.floor(random() * counted.seen());
      const command = ['--model', model, '--out', out, '--quiet', '--workers', '2', '--backend', 'portable'];
      const asked = ['--format', 'both', '--partition-rows', '48', '--export', 'npy,pt'];
      const { ended } = start([...command, ...asked], {
        NODE_OPTIONS: `${NODE_OPTIONS} --import ${hook}`,
        REFUSED_CALLS: JSON.stringify({ code: 'SIGKILL', path: out, at }),
      });
      const { code, stderr } = await ended;
      t.true(code === null || code === 0, `call ${at}: ${code} ${stderr}`);
      // Before its directory was made there is nothing to resume.
      await runHere({ ...options, out }, { resume: true });
      sameFiles(t, dataFiles(out), expected);
      t.true((await verifyHere(out)).verification.passed, `call ${at}`);
    }
  },
);

test.serial(
  'a file system that is read-only is called so, where several directories are to be made',
  async (t) => {
    const out = path.join(scratchDirectory(t), 'read-only', 'a', 'b');
    mkdirSync(path.dirname(path.dirname(out)));
    const model = shardedModel(t, 20, 8).directory;
    const readOnly = refuseCalls({ calls: ['mkdirSync'], code: 'EROFS', path: path.dirname(out) });
    const error = await t.throwsAsync(runHere({ model, out }), { instanceOf: EigenshardError });
    readOnly.end();
    t.regex(
      error.message,
      /a\/b: cannot write: the file system is read-only: choose another path \(EROFS\)$/,
    );
  },
);

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
