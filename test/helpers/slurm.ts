import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { startCommand } from './cli.js';
import { scratchDirectory } from './fixtures.js';
import { testUnless } from './test-unless.js';
import { until } from './until.js';

const NODES = ['node-a', 'node-b'];
const programs = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'srun', 'scontrol', 'squeue', 'sinfo'];

/** What a test that calls `startSlurm` lacks here; null where it lacks nothing. */
export const slurmLack = missingSlurm();

/** Declares a test that calls `startSlurm`. */
export const slurmTest = testUnless(slurmLack);

/** A cluster of two nodes of one core, on this machine. */
export interface Slurm {
  /** A folder of the cluster's own, for a job's script and logs. */
  folder: string;
  /** Variables of its commands. */
  environment: Record<string, string>;
  /** Submits a script, with options that beat those in it. @returns the job's number */
  submit(script: string, ...options: string[]): Promise<string>;
  /** Puts a task of a job into the queue again, done or not. */
  requeue(job: string, task: number): Promise<unknown>;
  /** Waits until every task of a job is done. @returns the states of the tasks, by their index */
  ended(job: string): Promise<Record<string, string>>;
  /** Runs one of Slurm's commands. @returns what it printed; without a controller it fails */
  run(...command: string[]): Promise<string>;
  /** Kills a daemon with SIGKILL: the controller, or that of a node. What it has started lives on. */
  kill(daemon: Daemon): Promise<void>;
  /** Starts a daemon again that was killed, and waits until the nodes are known again. */
  revive(daemon: Daemon): Promise<void>;
}

/** A daemon by the name of its program or its node. */
export type Daemon = 'slurmctld' | 'node-a' | 'node-b';

/**
 * Starts a cluster: an own munged, controller and two node daemons, all of which end with the test.
 *
 * @param settings lines of slurm.conf beside, or in the place of, those that every test has
 */
export async function startSlurm(
  t: ExecutionContext,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<Slurm> {
  const folder = scratchDirectory(t);
  const daemons = new Map<string, ChildProcess>();
  const environment = { SLURM_CONF: path.join(folder, 'slurm.conf') };
  const run = async (...command: string[]) => {
    const { code, stdout, stderr } = await startCommand(command, environment).ended;
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}${logOf(folder)}`);
    return stdout.trim();
  };
  // Jobs first: what a node daemon has started outlives it.
  t.teardown(async () => {
    for (const [name, daemon] of daemons) if (isOver(daemon)) begin(name);
    await run('scancel', '--user=root').catch(() => {});
    await settled(run).catch(() => {});
    // A daemon of a node that was killed does not end in good order, nor does what the first one has left.
    for (const daemon of daemons.values()) daemon.kill('SIGKILL');
    await Promise.all([...daemons.values()].map(gone));
    for (const pid of processesOf(environment.SLURM_CONF)) process.kill(pid, 'SIGKILL');
  });
  prepare(folder, await freePorts(1 + NODES.length), settings);
  const begin = (name: string) => {
    const [program = '', ...args] = daemonCommand(name, folder);
    daemons.set(name, spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...environment } }));
  };
  const known = async (pattern: RegExp) => {
    while (!pattern.test(await run('sinfo', '-h', '-N', '-o', '%T').catch(String))) {
      const ended = [...daemons.values()].find(({ exitCode }) => exitCode !== null);
      if (ended !== undefined)
        throw new Error(`${ended.spawnfile} ended with ${ended.exitCode}${logOf(folder)}`);
    }
  };
  begin('munged');
  await until(() => existsSync(path.join(folder, 'munge/socket')));
  for (const name of ['slurmctld', ...NODES]) begin(name);
  await known(/^idle\nidle$/);
  return {
    folder,
    environment,
    run,
    kill: async (name) => {
      const daemon = daemons.get(name)!;
      daemon.kill('SIGKILL');
      await gone(daemon);
    },
    revive: async (name) => {
      begin(name);
      await known(/^\w+\n\w+$/);
    },
    submit: (script, ...options) =>
      run('sbatch', '--parsable', `--chdir=${folder}`, '--cpus-per-task=1', '--mem=400M', ...options, script),
    requeue: (job, task) => run('scontrol', 'requeue', `${job}_${task}`),
    ended: (job) => endOf(run, job),
  };
}

/** The words that start a daemon, in the foreground. */
function daemonCommand(name: string, folder: string): string[] {
  const configuration = path.join(folder, 'slurm.conf');
  if (name === 'slurmctld') return ['slurmctld', '-D', '-f', configuration];
  if (name !== 'munged') return ['slurmd', '-D', '-f', configuration, '-N', name];
  return [
    ...['munged', '--foreground', '--force', '--num-threads=2'],
    ...['key', 'socket', 'pid', 'log', 'seed']
      .map((file) => `--${file}-file=${folder}/munge/${file}`)
      .map(socket),
  ];
}

type Run = (...command: string[]) => Promise<string>;

const DONE = /^(?:COMPLETED|FAILED|CANCELLED|NODE_FAIL|TIMEOUT|OUT_OF_MEMORY)$/;

async function endOf(run: Run, job: string): Promise<Record<string, string>> {
  for (;;) {
    // %K is the task's index; of tasks that wait together a range.
    const lines = (await run('squeue', '-h', '-t', 'all', '-j', job, '-o', '%K %T')).split('\n');
    const states = lines.map((line) => line.split(' ') as [string, string]);
    if (states.every(([, state]) => DONE.test(state))) return Object.fromEntries(states);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function settled(run: Run): Promise<void> {
  while ((await run('squeue', '-h')) !== '') await new Promise((resolve) => setTimeout(resolve, 200));
}

function prepare(
  folder: string,
  [controller, ...nodes]: readonly number[],
  given: Readonly<Record<string, string | number>>,
): void {
  // Daemons of other users may look in.
  chmodSync(folder, 0o755);
  for (const name of ['state', 'spool', 'munge']) mkdirSync(path.join(folder, name), { mode: 0o755 });
  writeFileSync(path.join(folder, 'munge/key'), randomBytes(128), { mode: 0o600 });
  const settings = {
    ClusterName: 'test',
    SlurmctldHost: 'localhost(127.0.0.1)',
    SlurmctldPort: controller,
    SlurmUser: 'root',
    SlurmdUser: 'root',
    AuthType: 'auth/munge',
    // A task that is put into the queue again waits until its former credential is over: 120 s, or no less than 5.
    AuthInfo: `socket=${folder}/munge/socket,cred_expire=6`,
    CredType: 'cred/munge',
    StateSaveLocation: `${folder}/state`,
    SlurmdSpoolDir: `${folder}/spool/%n`,
    SlurmctldPidFile: `${folder}/slurmctld.pid`,
    SlurmdPidFile: `${folder}/slurmd-%n.pid`,
    SlurmctldLogFile: `${folder}/slurmctld.log`,
    SlurmdLogFile: `${folder}/slurmd-%n.log`,
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    JobAcctGatherType: 'jobacct_gather/none',
    AccountingStorageType: 'accounting_storage/none',
    SchedulerType: 'sched/builtin',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_Core',
    MpiDefault: 'none',
    SwitchType: 'switch/none',
    ReturnToService: 2,
    KillWait: 3,
    MinJobAge: 300,
    SchedulerParameters: 'sched_interval=1,batch_sched_delay=0',
    ...given,
  };
  const lines = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...NODES.map(
      (node, k) =>
        `NodeName=${node} NodeHostname=localhost NodeAddr=127.0.0.1 Port=${nodes[k]} CPUs=1 RealMemory=1000`,
    ),
    `PartitionName=main Nodes=${NODES.join(',')} Default=YES MaxTime=INFINITE State=UP`,
  ];
  writeFileSync(path.join(folder, 'slurm.conf'), `${lines.join('\n')}\n`);
}

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** munged calls its socket's option so, without "-file". */
function socket(option: string): string {
  return option.replace('--socket-file', '--socket');
}

function gone(daemon: ChildProcess): Promise<unknown> {
  return isOver(daemon) ? Promise.resolve() : new Promise((resolve) => daemon.once('exit', resolve));
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function logOf(folder: string): string {
  const logs = ['munge/log', 'slurmctld.log', ...NODES.map((node) => `slurmd-${node}.log`)];
  return logs
    .map((name) => path.join(folder, name))
    .filter((file) => existsSync(file))
    .map((file) => `\n${file}:\n${readFileSync(file, 'utf8').slice(-1000)}`)
    .join('');
}

/** Processes that a cluster has started, which know its configuration. */
function processesOf(configuration: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`SLURM_CONF=${configuration}`))
    .map(Number);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    // It has ended by now, or is another user's.
    return [];
  }
}

function missingSlurm(): string | null {
  if (process.getuid?.() !== 0) return "the superuser alone can start Slurm's daemons";
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  return missing.length === 0 ? null : `Slurm is absent: ${missing.join(', ')}`;
}
