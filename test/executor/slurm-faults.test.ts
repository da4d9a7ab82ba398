import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { publishRecord, readRecord } from '../../src/output/done-records.js';
import { directoryStore } from '../../src/output/run-store.js';
import type { StageName } from '../../src/plan/stages.js';
import { type RunStatus, statusOf } from '../../src/run/status.js';
import { withdrawUnit } from '../../src/run/unit-run.js';
import { campaignLack } from '../helpers/campaign.js';
import { eigenshard, start } from '../helpers/cli.js';
import type { TaskFault } from '../helpers/fault-in-task.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { dataFiles, shardedModel } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { modelLack, stories260k } from '../helpers/shared-models.js';
import type { SignalAtRecord } from '../helpers/signal-at-record.js';
import { type Slurm, slurmLack, slurmTest, startSlurm } from '../helpers/slurm.js';
import { testUnless } from '../helpers/test-unless.js';
import { until } from '../helpers/until.js';

/** Declares a test that waits for timeouts of Slurm. */
const longSlurmTest = testUnless(slurmLack ?? campaignLack);

/** Partitions of the small run, of which each of two processes has four. */
const PARTITIONS = 8;
const partitionRows = '10';

/** A planned run, and the options that it was planned with. */
interface Planned {
  run: string;
  options: string[];
}

async function planned(
  t: ExecutionContext,
  { model = shardedModel(t, 80, 8).directory, rows = partitionRows }: { model?: string; rows?: string } = {},
): Promise<Planned> {
  const run = path.join(scratchDirectory(t), 'mine');
  const options = ['--model', model, '--partition-rows', rows, '--backend', 'portable', '--quiet'];
  const { code, stderr } = await eigenshard('plan', '--out', run, ...options);
  t.is(code, 0, stderr);
  return { run, options };
}

/** Submits a run, with a fault of its processes. @returns the numbers of the jobs */
async function submitted(
  slurm: Slurm,
  run: string,
  { options = ['--workers', '2'], sbatch = [], fault = null }: SubmitOptions = {},
): Promise<string[]> {
  const hook = new URL('../helpers/fault-in-task.js', import.meta.url).href;
  const args = ['submit', 'slurm', run, ...options, '--', '--cpus-per-task=1', '--mem=400M', ...sbatch];
  const { code, stdout, stderr } = await start(args, {
    ...slurm.environment,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
    TASK_FAULT: JSON.stringify(fault),
  }).ended;
  if (code !== 0) throw new Error(stderr);
  return [...stdout.matchAll(/\bjob (\d+)$/gm)].map(([, job]) => job!);
}

interface SubmitOptions {
  options?: string[];
  sbatch?: string[];
  fault?: TaskFault | null;
}

/** One process of a step, by default the second, sends itself a signal when some partitions are recorded; once. */
function signalInProject(
  slurm: Slurm,
  signal: NodeJS.Signals,
  when: TaskFault['when'] = { SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '2' },
): TaskFault {
  const at: SignalAtRecord = { folder: 'mine', stage: 'project', records: 2, signal };
  return {
    when,
    helper: 'signal-at-record',
    variables: { SIGNAL_AT_RECORD: JSON.stringify(at), SIGNAL_SENT: sentIn(slurm) },
  };
}

const sentIn = ({ folder }: Slurm) => path.join(folder, 'signal-sent');

/** Waits until a process has stopped itself, with some of its units done. @returns its number */
async function stopped(slurm: Slurm, run: string): Promise<number> {
  await until(() => existsSync(sentIn(slurm)));
  const store = storeOf(run);
  for (;;) {
    for (let unit = 0; unit < PARTITIONS; unit++) {
      const pid = readRecord(store, { stage: 'project', unit })?.pid;
      if (pid !== undefined && isStopped(pid)) return pid;
    }
    await delay(20);
  }
}

function isStopped(pid: number): boolean {
  const file = `/proc/${pid}/status`;
  return existsSync(file) && /^State:\tT/m.test(readFileSync(file, 'utf8'));
}

const storeOf = (run: string) => directoryStore(run, { durable: false, lock: null });
const stageOf = ({ stages }: RunStatus, name: StageName) => stages.find((stage) => stage.name === name)!;

async function isCompleted(t: ExecutionContext, slurm: Slurm, run: string, jobs: string[]): Promise<void> {
  for (const job of jobs)
    t.deepEqual([...new Set(Object.values(await slurm.ended(job)))], ['COMPLETED'], logsOf(run));
}

/** Checks that a job has failed with a code, and was not started again. */
async function hasFailed(
  t: ExecutionContext,
  slurm: Slurm,
  { run, jobs: [job = ''], exit }: { run: string; jobs: string[]; exit: string },
): Promise<void> {
  t.deepEqual(Object.values(await slurm.ended(job)), ['FAILED'], logsOf(run));
  const shown = await slurm.run('scontrol', 'show', 'job', job);
  t.regex(shown, new RegExp(` Restarts=0 [\\s\\S]* ExitCode=${exit}$`, 'm'));
}

/** What the jobs of a run have said. */
function logsOf(run: string): string {
  const folder = path.join(run, 'submissions');
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.map((name) => `\n${name}:\n${readFileSync(path.join(folder, name), 'utf8')}`).join('');
}

/** Checks that a run is finished, verified, and byte for byte that of one local process. */
async function isAsOfOneProcess(t: ExecutionContext, { run, options }: Planned): Promise<void> {
  const whole = path.join(scratchDirectory(t), 'whole');
  const local = await eigenshard('run', '--out', whole, ...options);
  t.is(local.code, 0, local.stderr);
  const files = [...dataFiles(run)].filter(([name]) => !name.startsWith('submissions/'));
  sameFiles(t, new Map(files), dataFiles(whole));
  const { code, stderr } = await eigenshard('verify', run, '--quiet');
  t.is(code, 0, stderr);
  const status = statusOf(run);
  t.true(status.isFinished);
  t.deepEqual(
    status.stages.flatMap(({ missing, failed }) => [...missing, ...failed]),
    [],
  );
}

longSlurmTest(
  'a process that is killed -9 leaves its units, and arrays of another number of tasks compute the rest',
  async (t) => {
    const slurm = await startSlurm(t);
    const mine = await planned(t);
    const { run } = mine;
    const jobs = await submitted(slurm, run, { fault: signalInProject(slurm, 'SIGKILL') });
    await hasFailed(t, slurm, { run, jobs, exit: '137:0' });
    const project = stageOf(statusOf(run), 'project');
    // The other process has done its share.
    t.deepEqual(
      project.missing.filter((unit) => unit % 2 === 0),
      [],
    );
    t.true(project.missing.length > 0 && project.missing.length < PARTITIONS / 2);
    t.deepEqual(project.hosts, ['node-a', 'node-b']);
    t.deepEqual(project.failed, []);

    await isCompleted(
      t,
      slurm,
      run,
      await submitted(slurm, run, { options: ['--workers', '3', '--separate'] }),
    );
    const computed = [...logsOf(run).matchAll(/^project: (\d) units? computed, /gm)].map(([, count]) =>
      Number(count),
    );
    t.deepEqual([computed.length, computed.reduce((a, b) => a + b)], [4, 4 + project.missing.length]);
    await isAsOfOneProcess(t, mine);
  },
);

longSlurmTest('a job that is cancelled leaves its units, and one process computes the rest', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t);
  const { run } = mine;
  const [job = ''] = await submitted(slurm, run, { fault: signalInProject(slurm, 'SIGSTOP') });
  await stopped(slurm, run);
  await slurm.run('scancel', job);
  t.deepEqual(Object.values(await slurm.ended(job)), ['CANCELLED'], logsOf(run));
  const { isFinished, stages } = statusOf(run);
  t.false(isFinished);
  t.deepEqual(
    stages.flatMap(({ failed }) => failed),
    [],
  );
  t.regex((await eigenshard('status', run)).stdout, /next: eigenshard step \S+ project\n$/);
  await isCompleted(t, slurm, run, await submitted(slurm, run, { options: ['--workers', '1'] }));
  await isAsOfOneProcess(t, mine);
});

slurmTest(
  'a unit that fails for good ends the job, which does not start again, when the rest of the stage is done',
  async (t) => {
    const slurm = await startSlurm(t);
    const mine = await planned(t);
    const { run } = mine;
    const poisoned = path.join(run, 'projections/parquet/part-00004.parquet');
    mkdirSync(path.join(poisoned, 'in the way'), { recursive: true });
    await hasFailed(t, slurm, { run, jobs: await submitted(slurm, run), exit: '2:0' });
    const status = statusOf(run);
    t.like(stageOf(status, 'project'), { done: PARTITIONS - 1, missing: [4] });
    t.is(stageOf(status, 'verify').done, 0);
    const { stdout } = await eigenshard('status', run);
    t.regex(stdout, /^project, unit 4, attempt 1 on node-[ab]: .*part-00004\.parquet/m);

    rmdirSync(path.join(poisoned, 'in the way'));
    rmdirSync(poisoned);
    await isCompleted(t, slurm, run, await submitted(slurm, run));
    await isAsOfOneProcess(t, mine);
  },
);

longSlurmTest('a run that is planned anew is refused by jobs of its former plan', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t);
  const { run } = mine;
  const jobs = await submitted(slurm, run, { fault: signalInProject(slurm, 'SIGSTOP') });
  const waiting = await submitted(slurm, run, { sbatch: ['--hold'] });
  const pid = await stopped(slurm, run);
  const options = [...mine.options, '--ridge', '0.5'];
  const again = await eigenshard('plan', '--out', run, '--overwrite', ...options);
  t.is(again.code, 0, again.stderr);
  const tree = () =>
    readdirSync(run, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.endsWith('.log'))
      .sort();
  const before = tree();
  process.kill(pid, 'SIGCONT');
  await hasFailed(t, slurm, { run, jobs, exit: '2:0' });
  t.regex(logsOf(run), /its plan is another one than this process began with/);
  await slurm.run('scontrol', 'release', waiting[0]!);
  await hasFailed(t, slurm, { run, jobs: waiting, exit: '2:0' });
  t.regex(logsOf(run), /holds another plan \(\w{12}\) than is to be computed/);
  t.deepEqual(tree(), before);

  await isCompleted(t, slurm, run, await submitted(slurm, run));
  await isAsOfOneProcess(t, { run, options });
});

longSlurmTest('units of another kind of processor are refused, and told by status', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t);
  const { run } = mine;
  for (const stage of ['scan', 'identity', 'covariance', 'basis', 'project'])
    await eigenshard('step', run, stage, '--quiet');
  const name = { stage: 'project', unit: 2 } as const;
  const store = storeOf(run);
  const record = readRecord(store, name)!;
  withdrawUnit({ store }, name);
  publishRecord(store, { ...record, processor: 'another one', host: 'elsewhere' });
  await hasFailed(t, slurm, { run, jobs: await submitted(slurm, run), exit: '2:0' });
  t.regex(logsOf(run), /project was computed on elsewhere, on another processor \(another one\)/);
  t.regex(
    (await eigenshard('status', run)).stdout,
    /warning: processors of 2 kinds, whose last bits differ: /,
  );

  withdrawUnit({ store }, name);
  await isCompleted(t, slurm, run, await submitted(slurm, run));
  await isAsOfOneProcess(t, mine);
});

longSlurmTest('a full disk on one node lets the job start again by itself, and it finishes', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t);
  const { run } = mine;
  const refusal = { calls: ['writeSync'], code: 'ENOSPC', path: 'part-00003' };
  const fault: TaskFault = {
    when: { SLURMD_NODENAME: 'node-b', SLURM_RESTART_COUNT: '' },
    helper: 'refused-calls',
    variables: { REFUSED_CALLS: JSON.stringify(refusal) },
  };
  const jobs = await submitted(slurm, run, { fault });
  await isCompleted(t, slurm, run, jobs);
  t.regex(logsOf(run), /project: what failed may pass; the job starts again/);
  t.regex(await slurm.run('scontrol', 'show', 'job', jobs[0]!), / Restarts=1 /);
  await isAsOfOneProcess(t, mine);
});

longSlurmTest(
  'a process whose node daemon was killed -9 works on beside the second start of its job, and one run comes out',
  async (t) => {
    const slurm = await startSlurm(t, { SlurmdTimeout: 6 });
    const mine = await planned(t);
    const { run } = mine;
    const fault = signalInProject(slurm, 'SIGSTOP', { SLURMD_NODENAME: 'node-a' });
    const [job = ''] = await submitted(slurm, run, { options: ['--workers', '1'], fault });
    const pid = await stopped(slurm, run);
    await slurm.kill('node-a');
    // Node down, its job is in the queue again, and then on the other node.
    while ((await slurm.run('squeue', '-h', '-j', job, '-o', '%T %N')) !== 'RUNNING node-b') await delay(100);
    process.kill(pid, 'SIGCONT');
    await isCompleted(t, slurm, run, [job]);
    await until(() => !existsSync(`/proc/${pid}`));
    t.deepEqual(stageOf(statusOf(run), 'verify').hosts, ['node-b']);
    t.regex(await slurm.run('scontrol', 'show', 'job', job), / Restarts=1 /);
    await isAsOfOneProcess(t, mine);
  },
);

longSlurmTest('a controller that is killed -9 and started again within a stage costs nothing', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t);
  const { run } = mine;
  const jobs = await submitted(slurm, run, { fault: signalInProject(slurm, 'SIGSTOP') });
  const pid = await stopped(slurm, run);
  // It saves what it knows of a job within some seconds; before that it would not know it again.
  await until(() => existsSync(path.join(slurm.folder, 'state/job_state')));
  await slurm.kill('slurmctld');
  process.kill(pid, 'SIGCONT');
  await until(() => stageOf(statusOf(run), 'project').done === PARTITIONS);
  await slurm.revive('slurmctld');
  await isCompleted(t, slurm, run, jobs);
  await isAsOfOneProcess(t, mine);
});

longSlurmTest('a made-up model of 20,000 rows is computed on two nodes', async (t) => {
  const slurm = await startSlurm(t);
  const model = path.join(scratchDirectory(t), 'made-up');
  const shape = ['--rows', '20000', '--hidden', '512'];
  t.is((await eigenshard('generate', ...shape, '--out', model, '--quiet')).code, 0);
  const mine = await planned(t, { model, rows: '2500' });
  await isCompleted(t, slurm, mine.run, await submitted(slurm, mine.run));
  t.deepEqual(stageOf(statusOf(mine.run), 'covariance').hosts, ['node-a', 'node-b']);
  await isAsOfOneProcess(t, mine);
});

testUnless(slurmLack ?? modelLack)('a real model is computed on two nodes', async (t) => {
  const slurm = await startSlurm(t);
  const mine = await planned(t, { model: stories260k, rows: '128' });
  await isCompleted(t, slurm, mine.run, await submitted(slurm, mine.run));
  await isAsOfOneProcess(t, mine);
});
