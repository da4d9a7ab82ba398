import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readManifest } from '../../src/output/manifest.js';
import { answer } from '../helpers/answers.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { runHere, shardedModel } from '../helpers/runs.js';

test('a run writes its report, records it, and verify finds a change of it', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const file = path.join(directory, 'report.html');
  t.is(manifest.report?.path, 'report.html');
  t.is(manifest.report?.bytes, readFileSync(file).length);
  t.is((await answer('verify', directory, '--quiet')).code, 0);
  writeFileSync(file, 'other');
  const { code, stdout } = await answer('verify', directory, '--quiet');
  t.is(code, 3);
  t.regex(stdout, /report\.html/);
});

test('report makes it again, the same, and leaves the directory free', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const file = path.join(directory, 'report.html');
  const page = readFileSync(file);
  const names = readdirSync(directory);
  writeFileSync(file, 'other');
  const { code, stdout, stderr } = await answer('report', directory);
  t.is(code, 0, stderr);
  t.is(stdout, `${file}\n`);
  t.true(readFileSync(file).equals(page));
  t.deepEqual(readManifest(directory), manifest);
  t.deepEqual(readdirSync(directory), names);
});

test('a run without a report, or without tables, has none, and can be given one where it has tables', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const [plain, bare] = [path.join(scratchDirectory(t), 'plain'), path.join(scratchDirectory(t), 'bare')];
  const { manifest } = await runHere({ model, out: plain, report: false });
  t.is(manifest.report, null);
  t.false(existsSync(path.join(plain, 'report.html')));
  t.is((await answer('report', plain)).code, 0);
  t.is(readManifest(plain).report?.path, 'report.html');

  await runHere({ model, out: bare, tables: 'none' });
  t.false(existsSync(path.join(bare, 'report.html')));
  for (const command of [['report'], ['top', '--eigenvector', '1']]) {
    const { code, stderr } = await answer(command[0]!, bare, ...command.slice(1));
    t.is(code, 2);
    t.regex(stderr, /has no tables/);
  }
});

test('a report is replaced with its run, and a file of that name that is no report is left alone', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const out = scratchDirectory(t);
  const file = path.join(out, 'report.html');
  writeFileSync(file, 'mine');
  await t.throwsAsync(runHere({ model, out }), { message: /report\.html: exists, and no eigenshard run/ });
  t.is(readFileSync(file, 'utf8'), 'mine');
  const other = path.join(out, 'run');
  await runHere({ model, out: other });
  await runHere({ model, out: other, report: false }, { overwrite: true });
  t.false(existsSync(path.join(other, 'report.html')));
});

test('a directory without a run is named', async (t) => {
  const { code, stderr } = await answer('report', scratchDirectory(t));
  t.is(code, 2);
  t.regex(stderr, /holds no finished run/);
});
