import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandOf, eigenshard, signalAtRecord } from '../helpers/cli.js';
import { documentNamed } from '../helpers/documents.js';
import { type Slurm, slurmTest, startSlurm } from '../helpers/slurm.js';

const RUNS = 12;

/** The script that docs/many-machines.md shows. */
function shownScript(): string {
  const [, script] =
    /```sh\n(#!\/bin\/bash\n#SBATCH[\s\S]*?)```/.exec(documentNamed('docs/many-machines.md').text) ?? [];
  if (script === undefined) throw new Error('docs/many-machines.md shows no script for Slurm');
  return script;
}

const helper = (name: string) => new URL(`../helpers/${name}.js`, import.meta.url).href;

/**
 * A folder with the command `eigenshard`, which runs under its node's name where it can, and fails when a task is
 * tried for the first time: task 1 kills itself within its second run, task 2 finds the disk full in its first.
 */
function programFolder({ folder }: Slurm): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  const kill = signalAtRecord(
    { folder: 'model-04-', stage: 'project', records: 1, signal: 'SIGKILL' },
    path.join(folder, 'killed'),
  );
  const killed = Object.entries(kill).map(([name, value]) => `${name}='${value}'`);
  const refusal = JSON.stringify({ calls: ['writeSync'], code: 'ENOSPC', path: 'out/model-02-' });
  const command = commandOf([])
    .map((word) => `'${word}'`)
    .join(' ');
  writeFileSync(
    path.join(bin, 'eigenshard'),
    `#!/bin/bash
case "$SLURM_ARRAY_TASK_ID-\${SLURM_RESTART_COUNT:-0}" in
  1-0) export ${killed.join(' ')} ;;
  2-0) export NODE_OPTIONS='--import ${helper('refused-calls')}' REFUSED_CALLS='${refusal}' ;;
esac
if unshare --uts true 2> /dev/null; then
  exec unshare --uts sh -c 'hostname "$SLURMD_NODENAME" && exec "$@"' sh ${command} "$@"
fi
exec ${command} "$@"
`,
  );
  chmodSync(path.join(bin, 'eigenshard'), 0o755);
  return bin;
}

/** The configuration of a batch of small made-up models beside the script. */
function series(folder: string): string {
  const runs = Array.from({ length: RUNS }, (_, k) => ({
    name: `model-${String(k).padStart(2, '0')}`,
    synthetic: { rows: 60, hidden: 8, seed: k, directory: `made/${k}` },
  }));
  const file = path.join(folder, 'series.json');
  const defaults = { partitionRows: 10 };
  writeFileSync(file, JSON.stringify({ out: path.join(folder, 'out'), backend: 'portable', defaults, runs }));
  return path.join(folder, 'out');
}

slurmTest(
  'a Slurm array computes a batch, through a task that is killed -9 and one whose disk is full',
  async (t) => {
    const slurm = await startSlurm(t);
    const out = series(slurm.folder);
    const script = path.join(slurm.folder, 'series.sh');
    writeFileSync(script, shownScript());
    const variables = `ALL,PATH=${programFolder(slurm)}:${process.env.PATH}`;
    const job = await slurm.submit(script, '--array=0-2', `--export=${variables}`);
    const log = (task: number) => readFileSync(path.join(slurm.folder, `series-${task}.log`), 'utf8');

    // Task 2 has put itself into the queue again: the disk may be free by then, and is.
    const first = await slurm.ended(job);
    t.deepEqual(first, { 0: 'COMPLETED', 1: 'FAILED', 2: 'COMPLETED' }, [0, 1, 2].map(log).join('\n'));
    t.regex(log(2), /\[3\/12\] model-02: FAILED: .*disk full/);
    t.regex(log(2), /\[3\/12\] model-02: done in /);
    t.regex(log(2), /\[6\/12\] model-05: finished before\n/);

    await slurm.requeue(job, 1);
    t.like(await slurm.ended(job), { 1: 'COMPLETED' }, log(1));
    t.regex(log(1), /\[2\/12\] model-01: finished before\n/);
    t.regex(log(1), /\[5\/12\] model-04: resuming: /);
    t.regex(log(1), /\n12 finished \(1 of them before\), 0 failed\n/);

    const { stdout } = await eigenshard('sql', out, 'SELECT model, status FROM summary', '--json');
    const rows = JSON.parse(stdout) as { model: string; status: string }[];
    t.is(rows.length, RUNS);
    t.true(rows.every(({ status }, k) => status === 'finished' && rows[k]!.model.endsWith(String(k))));
    const verified = await eigenshard('verify', out, '--quiet', '--json');
    // The made-up models lie beside the script, where the tasks ran.
    t.is(verified.code, 0, verified.stderr);
    t.deepEqual(
      (JSON.parse(verified.stdout) as { passed: boolean }[]).map(({ passed }) => passed),
      Array(RUNS).fill(true),
    );
  },
);
