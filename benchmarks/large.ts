/**
 * A run whose matrices hardly fit: the metric computed, all tables, killed (-9) as soon as its covariance is complete, and
 * resumed. Prints the time of every stage and the most memory of the process until its end. The checks of the run itself
 * must pass.
 *
 * usage: node dist/benchmarks/large.js [--rows N] [--hidden N]
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { covarianceUnits } from '../src/plan/covariance-units.js';
import { alignedRows, machineLine, wholeNumber } from './figures.js';
import { followStages, type StageEnd, startCoordinator } from './stages.js';

const { values: given } = parseArgs({
  options: { rows: { type: 'string', default: '17000' }, hidden: { type: 'string', default: '16384' } },
});
const rows = wholeNumber(given.rows);
const hidden = wholeNumber(given.hidden);
const root = path.resolve(import.meta.dirname, '../..');
const scratch = path.join(root, 'runs', 'benchmark-large');
const model = path.join(scratch, 'model');
const out = path.join(scratch, 'run');

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
try {
  await followStages(
    startCoordinator('generate', '--rows', `${rows}`, '--hidden', `${hidden}`, '--out', model),
    () => {},
  );
  const killed = await runUntilKilled();
  const resumed = await resume();
  print(killed, resumed);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function runUntilKilled(): Promise<StageEnd[]> {
  const process = startCoordinator('--model', model, '--out', out, '--tables', 'all');
  const { stages, code } = await followStages(process, ({ name }) => {
    if (name === 'covariance') process.kill('SIGKILL');
  });
  const done = path.join(out, 'done', 'covariance');
  const units = existsSync(done) ? readdirSync(done).length : 0;
  const all = covarianceUnits(rows, hidden).length;
  if (code !== null || units !== all)
    throw new Error(
      `expected a killed run with ${all} units of its covariance; it ended with ${code}, and has ${units}`,
    );
  return stages;
}

async function resume(): Promise<StageEnd[]> {
  const { stages, code } = await followStages(
    startCoordinator('--model', model, '--out', out, '--tables', 'all', '--resume'),
    () => {},
  );
  if (code !== 0) throw new Error(`the resumed run ended with exit code ${code}`);
  if (stages.some(({ name }) => name === 'covariance'))
    throw new Error('the resumed run computed the covariance again');
  return stages;
}

function print(killed: readonly StageEnd[], resumed: readonly StageEnd[]): void {
  const { execution, verification } = JSON.parse(readFileSync(path.join(out, 'manifest.json'), 'utf8'));
  const lines = (stages: readonly StageEnd[]) =>
    stages.map(({ name, seconds, peakBytes }) => [
      `  ${name}`,
      seconds.toFixed(2),
      peakBytes === 0 ? '' : (peakBytes / 1e9).toFixed(2),
    ]);
  const heads = ['seconds', 'peak GB'];
  process.stdout.write(
    [
      `${rows} x ${hidden} bfloat16, metric computed, tables, ${execution.workers} workers, ${machineLine()}`,
      '',
      alignedRows([
        ['until it was killed', ...heads],
        ...lines(killed),
        ['resumed', ...heads],
        ...lines(resumed),
      ]),
      '',
      `resumed run: ${execution.elapsedSeconds.toFixed(1)} s, peak memory ${(execution.peakMemoryBytes / 1e9).toFixed(2)} GB`,
      `verification: ${verification.passed ? 'passed' : 'FAILED'}`,
      '',
    ].join('\n'),
  );
}
