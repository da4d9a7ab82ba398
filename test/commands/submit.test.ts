import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { fakePrograms } from '../helpers/launches.js';
import { plannedRun } from '../helpers/planned-run.js';

const submit = (args: readonly string[], environment: Record<string, string> = {}) =>
  start(['submit', ...args], environment).ended;

/** Variables with which no program of an engine is found. */
const nowhere = { PATH: '/nonexistent' };

test('submit slurm keeps the script with the run, hands it to sbatch, and says what to do next', async (t) => {
  const run = await plannedRun(t, { name: "it's mine" });
  const { environment, calls } = fakePrograms(t, { sbatch: 'echo "17;cluster"' });
  const first = await submit(['slurm', run, '--workers', '4', '--', '--time=1:00', '-p', 'cpu'], environment);
  t.is(first.code, 0, first.stderr);
  const file = path.join(run, 'submissions/001-slurm.sh');
  const quoted = `'${run.replace("'", "'\\''")}'`;
  t.is(first.stdout, `${file}\njob 17\nwhat is done: eigenshard status ${quoted}\n`);
  t.deepEqual(calls(), [['sbatch', '--parsable', file]]);
  const text = readFileSync(file, 'utf8');
  t.regex(text, /^#SBATCH --ntasks=4$/m);
  t.regex(text, /^#SBATCH --time=1:00\n#SBATCH -p cpu$/m);
  t.is(spawnSync('bash', ['-n', file]).status, 0);

  await submit(['slurm', run, '--workers', '2'], environment);
  t.deepEqual(readdirSync(path.join(run, 'submissions')).sort(), ['001-slurm.sh', '002-slurm.sh']);
  t.is(readFileSync(file, 'utf8'), text);
});

test('submit slurm --separate starts the script that submits each stage', async (t) => {
  const run = await plannedRun(t);
  const { environment, calls } = fakePrograms(t, {
    scontrol: 'echo "MaxArraySize            = 1001"',
    sbatch: 'echo $(tr -cd "\\036" < "$FAKES/calls" | wc -c)',
  });
  const { code, stdout, stderr } = await submit(['slurm', run, '--workers', '4', '--separate'], environment);
  t.is(code, 0, stderr);
  t.regex(stdout, /001-slurm\.sh\nscan: job 2\n[\s\S]*\nfinish: job 8\nwhat is done: /);
  const names = calls().map((words) => [words[0], words.at(-1)]);
  t.deepEqual(names[0], ['scontrol', 'config']);
  t.deepEqual(
    names.slice(1).map(([, stage]) => stage),
    ['scan', 'identity', 'covariance', 'basis', 'project', 'verify', 'finish'],
  );
});

test('the largest array of the cluster is asked for', async (t) => {
  const run = await plannedRun(t);
  const { environment } = fakePrograms(t, { scontrol: 'echo "MaxArraySize            = 2"', sbatch: '' });
  const { code, stderr } = await submit(['slurm', run, '--workers', '4', '--separate'], environment);
  t.is(code, 2);
  t.regex(stderr, /^eigenshard: --workers 4: .*; give --workers 2\n$/);
  t.false(existsSync(path.join(run, 'submissions')));
});

test('--print prints the script, and neither writes nor starts anything', async (t) => {
  const run = await plannedRun(t);
  const { environment, calls } = fakePrograms(t, { sbatch: '', scontrol: '', kubectl: '' });
  const pods = ['--image', 'I', '--volume', `shared:${path.dirname(run)}`];
  for (const args of [['slurm'], ['slurm', '--separate'], ['kubernetes', ...pods]]) {
    const [engine = '', ...options] = args;
    const { code, stdout, stderr } = await submit(
      [engine, run, '--workers', '3', ...options, '--print'],
      environment,
    );
    t.is(code, 0, stderr);
    t.true(stdout.startsWith('#!/bin/bash\n'));
    t.is(spawnSync('bash', ['-n'], { input: stdout }).status, 0);
  }
  t.deepEqual(calls(), []);
  t.false(existsSync(path.join(run, 'submissions')));
});

test('submit kubernetes runs the script to its end, and ends as it does', async (t) => {
  const run = await plannedRun(t);
  const args = [
    'kubernetes',
    run,
    '--workers',
    '3',
    '--image',
    'I',
    '--volume',
    `shared:${path.dirname(run)}`,
  ];
  for (const [kubectl, code, message] of [
    ['if [ "$1" = apply ]; then echo created; fi', 0, /^$/],
    [
      '[ "$1" != apply ]',
      1,
      /bash ended with exit code 1, for the reason above; the script is kept; start it by: bash \S+\n$/,
    ],
    ['exit 1', 75, /bash ended with exit code 75/],
  ] as const) {
    const { environment, calls } = fakePrograms(t, { kubectl });
    const ended = await submit([...args, '--user', '7:8', '--cpus', '2'], environment);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, message);
    if (code === 0) t.is(ended.stdout.match(/^created$/gm)?.length, 7);
    t.true(calls().length > 0);
  }
  const text = readFileSync(path.join(run, 'submissions/001-kubernetes.sh'), 'utf8');
  t.regex(text, /"runAsUser": 7,\n\s+"runAsGroup": 8,/);
  t.regex(text, /"--workers",\n\s+"2"/);
});

test('an engine that is not here, or does not take the script, is told in one line with what to do', async (t) => {
  const run = await plannedRun(t);
  const absent = await submit(['slurm', run, '--workers', '4'], nowhere);
  t.is(absent.code, 2);
  const byHand = /the script is kept; start it by: sbatch --parsable \S+\/submissions\/00\d-slurm\.sh\n$/;
  t.regex(absent.stderr, /^eigenshard: sbatch is not installed here; the script is kept; .*\n$/);
  t.regex(absent.stderr, byHand);
  const { environment } = fakePrograms(t, { sbatch: 'echo "sbatch: error: no such partition" >&2; exit 1' });
  const refusing = await submit(['slurm', run, '--workers', '4'], environment);
  t.is(refusing.code, 1);
  t.regex(
    refusing.stderr,
    /^sbatch: error: no such partition\neigenshard: sbatch ended with exit code 1, .*\n$/,
  );
  t.regex(refusing.stderr, byHand);
});

test('submit kubernetes says that kubectl is not here', async (t) => {
  const run = await plannedRun(t);
  const bash = fakePrograms(t, { bash: 'PATH=/nonexistent exec /bin/bash "$@"' });
  const pods = ['--image', 'I', '--volume', `shared:${path.dirname(run)}`];
  const { code, stderr } = await submit(['kubernetes', run, '--workers', '3', ...pods], bash.environment);
  t.is(code, 2);
  t.regex(
    stderr,
    /^eigenshard: kubectl is not installed here\neigenshard: bash ended with exit code 2, .*\n$/,
  );
});

test('a run that is not planned, is finished or has a damaged plan is refused in one line', async (t) => {
  const refused = async (run: string, message: RegExp) => {
    const { code, stdout, stderr } = await submit(['slurm', run, '--workers', '4'], nowhere);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.is(stderr.split('\n').length, 2);
  };
  const empty = scratchDirectory(t);
  await refused(empty, /: no run has been planned there\. /);
  await refused(path.join(empty, 'absent'), /: no run has been planned there\. /);
  t.deepEqual(readdirSync(empty), []);
  const damaged = await plannedRun(t);
  writeFileSync(path.join(damaged, 'plan.json'), '{}');
  await refused(damaged, /plan\.json/);
  const finished = await plannedRun(t);
  rmSync(path.join(finished, 'plan.json'));
  writeFileSync(path.join(finished, 'manifest.json'), '{\n  "format": "eigenshard-run"\n}\n');
  await refused(finished, /: is finished; there is nothing left to submit\n$/);
});

test('options that are wrong or lacking are told before anything is written', async (t) => {
  const run = await plannedRun(t);
  const pods = ['kubernetes', run, '--workers', '3', '--image', 'I'];
  const outside = scratchDirectory(t);
  for (const [args, message] of [
    [['slurm', run], /required option '--workers <n>' not specified/],
    [['slurm', run, '--workers', '0'], /It must be 1 or more/],
    [['slurm', run, 'other', '--workers', '3'], /^eigenshard: other: expected an option of sbatch/],
    [
      ['slurm', run, '--workers', '3', '--', '--ntasks=4'],
      /^eigenshard: --ntasks: leave it away: the number of/,
    ],
    [['slurm', run, '--workers', '3', '--', '--comment=a\nb'], /has a control character/],
    [pods, /required option '--volume <claim:folder>' not specified/],
    [[...pods, '--volume', 'shared'], /It must be the name of a claim and an absolute path/],
    [[...pods, '--volume', 'Shared:/x'], /It must be the name of a claim/],
    [[...pods, '--volume', `shared:${outside}`], /no pod would find it: it lies outside of /],
    [[...pods, '--volume', 'shared:/', '--memory', 'much'], /It must be an amount as Kubernetes writes it/],
    [[...pods, '--volume', 'shared:/', '--user', 'me'], /It must be two numbers/],
  ] as const) {
    const { code, stderr } = await submit(args, nowhere);
    t.is(code, 2, stderr);
    t.regex(stderr, message);
  }
  t.false(existsSync(path.join(run, 'submissions')));
});
