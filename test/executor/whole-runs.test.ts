import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Job } from 'kubernetes-types/batch/v1.d.ts';
import { eigenshard, start } from '../helpers/cli.js';
import { jobsOf } from '../helpers/launches.js';
import { plannedRun } from '../helpers/planned-run.js';
import { type Slurm, slurmTest, startSlurm } from '../helpers/slurm.js';

const sbatchOptions = ['--', '--cpus-per-task=1', '--mem=400M'];

/** Checks that a run is finished, verified, and as good as one that a single process has computed. */
async function isWhole(t: ExecutionContext, run: string, log = ''): Promise<void> {
  const { code, stdout, stderr } = await eigenshard('verify', run, '--json', '--quiet');
  t.is(code, 0, stderr + log);
  t.true((JSON.parse(stdout) as { passed: boolean }).passed);
  t.false(existsSync(path.join(run, 'plan.json')));
}

/** What the jobs of a run said, for whoever has to find a failure. */
function logsOf(run: string): string {
  const folder = path.join(run, 'submissions');
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.map((name) => `\n${name}:\n${readFileSync(path.join(folder, name), 'utf8')}`).join('');
}

async function submitted(
  t: ExecutionContext,
  slurm: Slurm,
  run: string,
  ...options: string[]
): Promise<string> {
  const args = ['submit', 'slurm', run, '--workers', '2', ...options, ...sbatchOptions];
  const { code, stdout, stderr } = await start(args, slurm.environment).ended;
  t.is(code, 0, stderr);
  return stdout;
}

slurmTest(
  'a run is computed by one job on two nodes, and by arrays, and what is done is not done again',
  async (t) => {
    const slurm = await startSlurm(t);
    const joint = await plannedRun(t, { name: "it's $one `job`" });
    const [, job = ''] = /^job (\d+)$/m.exec(await submitted(t, slurm, joint)) ?? [];
    t.deepEqual(Object.values(await slurm.ended(job)), ['COMPLETED'], logsOf(joint));
    await isWhole(t, joint, logsOf(joint));

    const separate = await plannedRun(t, { name: 'arrays' });
    await eigenshard('step', separate, 'scan', '--quiet');
    const jobs = [...(await submitted(t, slurm, separate, '--separate')).matchAll(/^\w+: job (\d+)$/gm)];
    for (const [line, number] of jobs)
      t.deepEqual(
        [...new Set(Object.values(await slurm.ended(number!)))],
        ['COMPLETED'],
        line + logsOf(separate),
      );
    t.regex(logsOf(separate), /scan: 0 units computed, 1 of 1 done before/);
    await isWhole(t, separate, logsOf(separate));
  },
);

/** Does what Kubernetes would do with a Job: starts its pods, all at once, each with its index. */
async function started(t: ExecutionContext, { spec }: Job): Promise<void> {
  const { args, env } = spec!.template.spec!.containers[0]!;
  const given = Object.fromEntries(env!.map(({ name, value }) => [name, value!]));
  const pods = Array.from({ length: spec!.completions! }, (_, index) =>
    start(args!, { ...given, JOB_COMPLETION_INDEX: String(index) }),
  );
  for (const { ended } of pods) {
    const { code, stderr } = await ended;
    t.is(code, 0, stderr);
  }
}

test('the pods of the Jobs, with their arguments and variables, compute a run', async (t) => {
  const run = await plannedRun(t);
  const options = ['--image', 'I', '--volume', `shared:${path.dirname(run)}`, '--cpus', '1', '--print'];
  const { stdout } = await eigenshard('submit', 'kubernetes', run, '--workers', '3', ...options);
  for (const job of jobsOf(stdout)) await started(t, job);
  await isWhole(t, run);
});
