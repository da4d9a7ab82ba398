// Runs the tests with ava (arguments are handed on) and ends with one plain line, 'N passed, N failed, N skipped',
// counted from ava's own TAP report.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { Parser } from 'tap-parser';

const root = path.resolve(import.meta.dirname, '..');
const ava = path.join(root, 'node_modules/ava/entrypoints/cli.mjs');

const LONGEST_DIAGNOSIS = 4000;

const tests = spawn(process.execPath, [ava, '--tap', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['inherit', 'pipe', 'inherit'],
});
const counts = { passed: 0, failed: 0, skipped: 0 };
const parser = new Parser();
parser.on('comment', (comment) => process.stdout.write(`      ${comment.replace(/^#\s*/, '')}`));
parser.on('assert', ({ ok, name, skip, todo, diag }) => {
  const outcome = skip || todo ? 'skipped' : ok ? 'passed' : 'failed';
  counts[outcome]++;
  process.stdout.write(`${outcome === 'passed' ? 'ok' : outcome.toUpperCase()}  ${name}\n`);
  if (outcome === 'failed')
    process.stdout.write(`${JSON.stringify(diag, null, 2)?.slice(0, LONGEST_DIAGNOSIS)}\n`);
});
tests.stdout.pipe(parser);

const [code] = await Promise.all([
  new Promise((resolve) => tests.on('close', resolve)),
  new Promise((resolve) => parser.on('complete', resolve)),
]);
const { passed, failed, skipped } = counts;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
// A run without a test, or one that ava calls failed for another reason (an uncaught exception), has failed.
process.exitCode = code === 0 && failed === 0 && passed > 0 ? 0 : 1;
