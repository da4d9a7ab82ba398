// Runs the tests with ava (arguments are handed on) and ends with what did not pass, a line a test, and one plain line,
// 'N passed, N failed, N skipped', counted from ava's own TAP report. Of a skipped test the title says why.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Parser } from 'tap-parser';

const root = path.resolve(import.meta.dirname, '..');
const ava = path.join(root, 'node_modules/ava/entrypoints/cli.mjs');

const LONGEST_DIAGNOSIS = 4000;

const args = process.argv.slice(2);
/** One file more than there are cores: some wait, for a queue of jobs or a lock, most of their time. */
const concurrency = ['--concurrency', String(availableParallelism() + 1)];
const tests = spawn(process.execPath, [ava, '--tap', ...concurrency, ...args], {
  cwd: root,
  stdio: ['inherit', 'pipe', 'inherit'],
});
/** Ava begins a name with the file only where it runs several. */
const files = args.filter((argument) => !argument.startsWith('-'));
const [, file] = files.length === 1 ? (/([^/\\*]+)\.test\.js$/.exec(files[0]) ?? []) : [];
const results = { passed: [], failed: [], skipped: [] };
const parser = new Parser();
parser.on('comment', (comment) => process.stdout.write(`      ${comment.replace(/^#\s*/, '')}`));
parser.on('assert', ({ ok, name, skip, todo, diag }) => {
  const title = file === undefined ? name : `${file} › ${name}`;
  if (skip || todo) results.skipped.push(title);
  else if (ok) {
    results.passed.push(title);
    process.stdout.write(`ok  ${title}\n`);
  } else {
    results.failed.push(title);
    const diagnosis = JSON.stringify(diag, null, 2)?.slice(0, LONGEST_DIAGNOSIS) ?? '';
    process.stdout.write(`FAILED  ${title}\n${diagnosis}\n`);
  }
});
tests.stdout.pipe(parser);

const [code] = await Promise.all([
  new Promise((resolve) => tests.on('close', resolve)),
  new Promise((resolve) => parser.on('complete', resolve)),
]);
const { passed, failed, skipped } = results;
// Ava may break off, and then no test says why; and a call that meets no test has tested nothing.
if (code !== 0 && failed.length === 0) failed.push(`ava ended with ${code}: its own message stands above`);
if (passed.length + failed.length + skipped.length === 0) failed.push('there was no test');
for (const title of skipped) process.stdout.write(`SKIPPED  ${title}\n`);
for (const title of failed) process.stdout.write(`FAILED  ${title}\n`);
process.stdout.write(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
