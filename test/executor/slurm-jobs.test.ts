import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { slurmScript } from '../../src/executor/slurm.js';
import { campaignLack } from '../helpers/campaign.js';
import { startCommand } from '../helpers/cli.js';
import { stages } from '../helpers/launches.js';
import { type Slurm, slurmLack, startSlurm } from '../helpers/slurm.js';
import { testUnless } from '../helpers/test-unless.js';

const longSlurmTest = testUnless(slurmLack ?? campaignLack);

/**
 * A run on a cluster, whose steps note who they are in place of computing anything.
 *
 * @param failure what a step does then, in bash; it knows stage, index and restarts
 */
function noted(slurm: Slurm, failure: string) {
  const run = path.join(slurm.folder, "it's `my` $run");
  mkdirSync(path.join(run, 'submissions'), { recursive: true });
  const program = path.join(slurm.folder, 'eigen shard');
  writeFileSync(
    program,
    `#!/bin/bash
stage=$3 restarts=\${SLURM_RESTART_COUNT:-0}
if [ "$SLURM_STEP_NUM_TASKS" -gt 1 ]; then index=$SLURM_PROCID of=$SLURM_STEP_NUM_TASKS
else index=\${SLURM_ARRAY_TASK_ID:-0} of=\${SLURM_ARRAY_TASK_COUNT:-1}; fi
${failure}
echo "$stage $index/$of threads=$5 restarts=$restarts" >> "$2/done"
`,
  );
  chmodSync(program, 0o755);
  const launch = {
    ...{
      run,
      stages,
      workers: 2,
      command: [program],
      stepOptions: [],
      engineOptions: ['--cpus-per-task=1', '--mem=400M'],
    },
    maxArraySize: 1001,
  };
  return { run, launch, done: () => readFileSync(path.join(run, 'done'), 'utf8').trimEnd().split('\n') };
}

/** The lines of each stage in turn, in which the processes of one stage are in any order. */
function sortedWithin(lines: readonly string[]): string[] {
  const orderOf = (line: string) => stages.findIndex(({ name }) => line.startsWith(`${name} `));
  return lines
    .map((line, at) => ({ line, at }))
    .sort((a, b) => orderOf(a.line) - orderOf(b.line) || (a.line < b.line ? -1 : 1))
    .map(({ line }) => line);
}

longSlurmTest(
  'a job of Slurm goes through the stages in order, and starts again after what may pass',
  async (t) => {
    const slurm = await startSlurm(t);
    // The other process of the step is slower, and is to end as if nothing had happened.
    const { launch, run, done } = noted(
      slurm,
      `if [ "$stage-$restarts" = project-0 ]; then if [ $index -eq 1 ]; then exit 75; else sleep 1; fi; fi`,
    );
    const script = path.join(run, 'submissions/001-slurm.sh');
    writeFileSync(script, slurmScript({ ...launch, isSeparate: false }).text);
    const job = await slurm.submit(script);
    const states = await slurm.ended(job);
    const log = readFileSync(path.join(run, `submissions/slurm-${job}.log`), 'utf8');
    t.deepEqual(Object.values(states), ['COMPLETED'], log);
    t.regex(log, /project: what failed may pass; the job starts again/);
    const expected = (stage: string, indices: string[], restarts: number) =>
      indices.map((index) => `${stage} ${index} threads=1 restarts=${restarts}`);
    const [both, alone] = [['0/2', '1/2'], ['0/1']];
    const first = [
      ...expected('scan', both, 0),
      ...expected('identity', alone, 0),
      ...expected('covariance', both, 0),
      ...expected('basis', alone, 0),
      ...expected('project', ['0/2'], 0),
    ];
    const second = [
      ...expected('scan', both, 1),
      ...expected('identity', alone, 1),
      ...expected('covariance', both, 1),
      ...expected('basis', alone, 1),
      ...expected('project', both, 1),
      ...expected('verify', both, 1),
      ...expected('finish', alone, 1),
    ];
    t.deepEqual(sortedWithin(done().slice(0, first.length)), first);
    t.deepEqual(sortedWithin(done().slice(first.length)), second);
  },
);

longSlurmTest(
  'with arrays, a failure takes what needs that stage out of the queue, and the rest of it goes on',
  async (t) => {
    const slurm = await startSlurm(t);
    const { launch, run, done } = noted(
      slurm,
      `if [ "$stage-$index" = covariance-0 ]; then exit 2; fi
if [ "$stage-$index-$restarts" = scan-1-0 ]; then exit 75; fi`,
    );
    const script = path.join(run, 'submissions/001-slurm.sh');
    writeFileSync(script, slurmScript({ ...launch, isSeparate: true }).text);
    const { code, stdout, stderr } = await startCommand(['bash', script], slurm.environment).ended;
    t.is(code, 0, stderr);
    const jobs = [...stdout.matchAll(/^(\w+): job (\d+)$/gm)].map(([, name, job]) => [name!, job!] as const);
    t.deepEqual(
      jobs.map(([name]) => name),
      stages.map(({ name }) => name),
    );
    const states: Record<string, Record<string, string>> = {};
    for (const [name, job] of jobs) states[name] = await slurm.ended(job);
    t.deepEqual(states.scan, { 0: 'COMPLETED', 1: 'COMPLETED' });
    t.deepEqual(states.covariance, { 0: 'FAILED', 1: 'COMPLETED' });
    for (const name of ['basis', 'project', 'verify', 'finish'])
      t.deepEqual([...new Set(Object.values(states[name]!))], ['CANCELLED'], name);
    t.deepEqual(sortedWithin(done()), [
      'scan 0/2 threads=1 restarts=0',
      'scan 1/2 threads=1 restarts=1',
      'identity 0/1 threads=1 restarts=0',
      'covariance 1/2 threads=1 restarts=0',
    ]);
  },
);
