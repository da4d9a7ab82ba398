import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { openRun } from '../../src/output/open-run.js';
import { topTokens } from '../../src/queries/top.js';
import { renewReport } from '../../src/report/renew-report.js';
import { type Ended, eigenshard } from '../helpers/cli.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { runHere, verifyHere } from '../helpers/runs.js';
import { testUnless } from '../helpers/test-unless.js';

/** What asks a finished run. */
const commands = (run: string) => ({
  inspect: ['inspect', run],
  verify: ['verify', run, '--quiet'],
  top: ['top', run, '--eigenvector', '1'],
  report: ['report', run],
  sql: ['sql', run, 'SELECT count(*) FROM tokens'],
});

async function asked(
  run: string,
  ...names: readonly (keyof ReturnType<typeof commands>)[]
): Promise<Ended[]> {
  return Promise.all(names.map((name) => eigenshard(...commands(run)[name])));
}

/** Changes one byte of a file, by default in the middle. */
function flip(file: string, at = -1): void {
  const bytes = readFileSync(file);
  bytes[at < 0 ? bytes.length >> 1 : at]! ^= 1;
  writeFileSync(file, bytes);
}

const pipesTest = testUnless(process.platform === 'win32' ? 'no named pipes' : null);

pipesTest('a named pipe in the place of a file of a run is refused by whoever reads the file', async (t) => {
  const { directory } = await runWithTables(t);
  const inPipesPlace = async <Result>(name: string, ask: () => Promise<Result>) => {
    const file = path.join(directory, name);
    renameSync(file, `${directory}.kept`);
    execFileSync('mkfifo', [file]);
    const answer = await ask();
    rmSync(file);
    renameSync(`${directory}.kept`, file);
    return answer;
  };
  const manifests = await inPipesPlace('manifest.json', () =>
    asked(directory, 'inspect', 'verify', 'top', 'report', 'sql'),
  );
  for (const { code, stderr } of manifests) {
    t.is(code, 2);
    t.regex(
      stderr,
      /^eigenshard: .*manifest\.json: expected a file with the manifest, found a named pipe; .*\n$/,
    );
  }
  const [basis] = await inPipesPlace('eigenbasis.safetensors', () => asked(directory, 'verify'));
  t.is(basis!.code, 3);
  t.regex(basis!.stderr, /^eigenbasis\.safetensors: is no regular file$/m);
  for (const name of ['tokens.parquet', '.eigenshard.run', 'records.jsonl']) {
    const { problems } = await inPipesPlace(name, () => verifyHere(directory));
    t.true(problems.includes(`${name}: `), problems);
    t.notRegex(problems, /E[A-Z]{3,}|undefined/);
  }
  const partition = 'projections/parquet/part-00001.parquet';
  t.regex(
    (await inPipesPlace(partition, () => verifyHere(directory))).problems,
    /part-00001.*is no regular file/,
  );
  const [lock] = await inPipesPlace('tokens.parquet', () => asked(directory, 'sql'));
  t.is(lock!.code, 2, lock!.stderr);
  t.regex(lock!.stderr, /tokens\.parquet: expected a file with a part of the run, found a named pipe/);
});

pipesTest('a named pipe in the place of a lock, an export or the records stops a run at once', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const again = { model: manifest.model.path, out: directory, partitionRows: 100, top: 5 };
  for (const name of ['records.jsonl', '.projections.npy.unfinished', '.eigenshard.lock']) {
    const file = path.join(directory, name);
    rmSync(file, { force: true });
    execFileSync('mkfifo', [file]);
    const error = await t.throwsAsync(
      runHere({ ...again, export: ['npy'] }, { overwrite: name !== 'records.jsonl' }),
      {
        instanceOf: InputError,
      },
    );
    t.true(error.message.includes(name) || error.message.includes('already holds'), error.message);
    rmSync(file);
  }
});

test('a table that is not as the run wrote it is named before anything is read of it', async (t) => {
  const { directory } = await runWithTables(t);
  const { manifest } = await openRun(directory);
  const request = { eigenvector: 1, sides: ['+'], measure: 'projection', count: 3 } as const;
  const extremes = path.join(directory, 'extremes.parquet');
  t.is((await topTokens(directory, manifest, request)).length, 3);
  flip(extremes);
  const damaged = {
    instanceOf: InputError,
    message:
      /extremes\.parquet: is not as the run wrote it: its SHA-256 is another one\. `verify` tells .* --resume --checksums makes it/,
  };
  await t.throwsAsync(topTokens(directory, manifest, request), damaged);
  await t.throwsAsync(renewReport(directory), damaged);
  await t.throwsAsync((await openRun(directory)).table('extremes'), damaged);
  flip(extremes);
  t.is((await topTokens(directory, manifest, request)).length, 3);

  truncateSync(extremes, 100);
  const short = {
    ...damaged,
    message: /extremes\.parquet: is not as the run wrote it: it has 100 bytes, not \d+/,
  };
  await t.throwsAsync(topTokens(directory, manifest, request), short);
  rmSync(extremes);
  await t.throwsAsync(topTokens(directory, manifest, request), {
    ...damaged,
    message: /extremes\.parquet: is not as the run wrote it: it is missing\./,
  });
  mkdirSync(extremes);
  await t.throwsAsync(topTokens(directory, manifest, request), { ...damaged, message: /found a directory/ });
});

test('a partition that was cut off is named by what reads it alone', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  truncateSync(path.join(directory, 'projections/parquet/part-00001.parquet'), 4000);
  const request = { eigenvector: 1, sides: ['+'], measure: 'projection', count: 50 } as const;
  await t.throwsAsync(topTokens(directory, manifest, request), {
    instanceOf: InputError,
    message: /part-00001\.parquet: is not as the run wrote it: it has 4000 bytes, not \d+/,
  });
});

test('a name of ten megabytes in a manifest makes no screen of ten megabytes', async (t) => {
  const { directory } = await runWithTables(t);
  const manifest = JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8'));
  const long = '\u001b[2J'.repeat(2e6);
  manifest.verification.checks[0].name = long;
  manifest.model.name = long;
  // A run of the first layout has no seal.
  manifest.layout = 1;
  delete manifest.seal;
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  const { code, stdout, stderr } = await eigenshard('inspect', directory);
  t.is(code, 0, stderr);
  t.true(stdout.length < 50_000, `${stdout.length} characters`);
  t.false(stdout.includes('\u001b'));
});

test('a table of a token of a megabyte fits a screen', async (t: ExecutionContext) => {
  const { topText } = await import('../../src/commands/top-text.js');
  const request = { eigenvector: 3, sides: ['+'], measure: 'projection', count: 500 } as const;
  const token = { side: '+', token_id: 1, text: 'x'.repeat(1e6), value: 1, angle: null } as const;
  const tokens = Array.from({ length: 500 }, (_, k) => ({
    ...token,
    place: k + 1,
    text: k === 0 ? token.text : 'a',
  }));
  const lines = topText(request, tokens).split('\n');
  t.true(lines.every((line) => line.length < 200));
});
