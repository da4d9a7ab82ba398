import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type SlurmLaunch, slurmScript } from '../../src/executor/slurm.js';
import { startCommand } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import {
  comparedWithGolden,
  type FakePrograms,
  fakePrograms,
  stages,
  strangeNames,
} from '../helpers/launches.js';
import { until } from '../helpers/until.js';

const launch: SlurmLaunch = {
  run: '/scratch/runs/mine',
  stages,
  workers: 4,
  command: ['/usr/bin/node', '/opt/eigenshard/coordinator.js'],
  stepOptions: [],
  engineOptions: ['--time=2:00:00', '--cpus-per-task=16', '-p', 'cpu'],
  isSeparate: false,
  maxArraySize: 1001,
};

/** Fails in a stage, with a code: FAILING='project 75'. */
const srun = 'for word in "$@"; do if [ "$word" = "${FAILING% *}" ]; then exit "${FAILING#* }"; fi; done';
const sbatch = 'echo "$((100 + $(tr -cd "\\036" < "$FAKES/calls" | wc -c)));cluster"';

/** Runs a script by bash. @returns its end */
async function started(
  t: ExecutionContext,
  text: string,
  { environment }: FakePrograms,
  { args = [], variables = {} }: { args?: string[]; variables?: Record<string, string> } = {},
) {
  const file = path.join(scratchDirectory(t), 'script.sh');
  writeFileSync(file, text);
  const ended = await startCommand(['bash', file, ...args], { ...environment, ...variables }).ended;
  return { file, ...ended };
}

/** The steps that were started, as `project --nodes=1`: stage, and what srun was told beside what it always is. */
function steps(programs: FakePrograms): string[] {
  return programs
    .calls()
    .filter(([name]) => name === 'srun')
    .map((words) => {
      const at = words.indexOf('step');
      return [words[at + 2], ...words.slice(3, at - launch.command.length)].join(' ');
    });
}

test('the scripts of a plain run are the golden ones', (t) => {
  comparedWithGolden(t, 'slurm.sh', slurmScript(launch).text);
  comparedWithGolden(t, 'slurm-separate.sh', slurmScript({ ...launch, isSeparate: true }).text);
  t.deepEqual(slurmScript(launch).start, ['sbatch', '--parsable']);
  t.deepEqual(slurmScript({ ...launch, isSeparate: true }).start, ['bash']);
});

test('the job starts each stage as a step, with the words of the command and the path as they are', async (t) => {
  const programs = fakePrograms(t, { srun: '' });
  const variables = { SLURM_JOB_ID: '7', SLURM_CPUS_PER_TASK: '16' };
  const { code } = await started(t, slurmScript(launch).text, programs, { variables });
  t.is(code, 0);
  const always = ['srun', '--kill-on-bad-exit=0', '--wait=0'];
  const step = (name: string, ...options: string[]) => [
    ...always,
    ...options,
    ...launch.command,
    'step',
    launch.run,
    name,
    '--workers',
    '16',
  ];
  const alone = ['--nodes=1', '--ntasks=1'];
  t.deepEqual(programs.calls(), [
    step('scan'),
    step('identity', ...alone),
    step('covariance'),
    step('basis', ...alone),
    step('project'),
    step('verify'),
    step('finish', ...alone),
  ]);
});

test('whatever a path holds, bash hands it on as it is, and nothing in it is run', async (t) => {
  await fc.assert(
    fc.asyncProperty(strangeNames, strangeNames, async (folder, program) => {
      const command = [`/opt/${program}`, program];
      const strange = { ...launch, run: `/${folder}/mine`, command, engineOptions: ['--output=log'] };
      const programs = fakePrograms(t, { srun: '' });
      const { code, stderr } = await started(t, slurmScript(strange).text, programs);
      t.is(code, 0, stderr);
      t.is(stderr, '');
      const [first] = programs.calls();
      t.deepEqual(first?.slice(3), [...command, 'step', strange.run, 'scan']);
    }),
    { numRuns: 30, seed: 1 },
  );
});

test('bash understands every script', (t) => {
  fc.assert(
    fc.property(strangeNames, strangeNames, fc.boolean(), fc.nat(9), (folder, option, isSeparate, more) => {
      const engineOptions = [`--comment=${option}`, '-C', option.replace(/^-+/, ''), '--output=log'];
      const { text } = slurmScript({
        ...launch,
        ...{ run: `/${folder}`, isSeparate, workers: 1 + more, engineOptions },
      });
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      t.is(status, 0, stderr + text);
    }),
    { numRuns: 60, seed: 2 },
  );
});

for (const [failing, code, last] of [
  ['project 2', 2, 'project'],
  ['covariance 3', 3, 'covariance'],
  ['scan 1', 1, 'scan'],
  ['verify 143', 143, 'verify'],
] as const)
  test(`after a stage that ends with ${code} the job ends so, and starts no other`, async (t) => {
    const programs = fakePrograms(t, { srun, scontrol: '' });
    const variables = { FAILING: failing, SLURM_JOB_ID: '7' };
    const ended = await started(t, slurmScript(launch).text, programs, { variables });
    t.is(ended.code, code);
    t.is(steps(programs).at(-1), last);
    t.false(programs.calls().some(([name]) => name === 'scontrol'));
  });

test('after 75 the job goes into the queue again, ten times', async (t) => {
  for (const [restarts, isRequeued] of [
    ['', true],
    ['9', true],
    ['10', false],
  ] as const) {
    const programs = fakePrograms(t, { srun, scontrol: '' });
    const variables = { FAILING: 'project 75', SLURM_JOB_ID: '7', SLURM_RESTART_COUNT: restarts };
    const { code, stderr } = await started(t, slurmScript(launch).text, programs, { variables });
    t.is(code, 75);
    const requeued = programs.calls().filter(([name]) => name === 'scontrol');
    t.deepEqual(requeued, isRequeued ? [['scontrol', 'requeue', '7']] : []);
    t.regex(stderr, isRequeued ? /^eigenshard: project: .* starts again\n$/ : /submit it again\n$/);
  }
});

test('a task of an array puts itself into the queue again, and not the whole array', async (t) => {
  const programs = fakePrograms(t, { srun, scontrol: '' });
  const variables = {
    ...{ FAILING: 'project 75', SLURM_JOB_ID: '41' },
    ...{ SLURM_ARRAY_JOB_ID: '40', SLURM_ARRAY_TASK_ID: '1' },
  };
  const { text } = slurmScript({ ...launch, isSeparate: true });
  const { code } = await started(t, text, programs, { args: ['project'], variables });
  t.is(code, 75);
  t.deepEqual(steps(programs), ['project']);
  t.deepEqual(programs.calls().at(-1), ['scontrol', 'requeue', '40_1']);
});

for (const [signal, then, code] of [
  [
    'SIGUSR1',
    [
      ['scancel', '--signal=TERM', '7'],
      ['scontrol', 'requeue', '7'],
    ],
    75,
  ],
  ['SIGTERM', [], 143],
] as const)
  test(`${signal} waits until the step has ended, and the job ends with ${code}`, async (t) => {
    // The step ends when Slurm tells it: through scancel, or by itself where the job is cancelled.
    const programs = fakePrograms(t, {
      srun: 'trap "exit 143" TERM; echo $$ > "$FAKES/step"; while :; do sleep 0.05; done',
      scancel: 'kill -TERM "$(cat "$FAKES/step")"',
      scontrol: '',
    });
    const file = path.join(scratchDirectory(t), 'script.sh');
    writeFileSync(file, slurmScript(launch).text);
    const job = startCommand(['bash', file], { ...programs.environment, SLURM_JOB_ID: '7' });
    const step = path.join(programs.environment.FAKES!, 'step');
    await until(() => existsSync(step) && readFileSync(step, 'utf8').endsWith('\n'));
    const pid = Number(readFileSync(step, 'utf8'));
    job.process.kill(signal);
    if (signal === 'SIGTERM') process.kill(pid, 'SIGTERM');
    t.is((await job.ended).code, code);
    t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    t.deepEqual(programs.calls().slice(1), then as unknown as string[][]);
  });

test('the separate script submits itself for each stage, after those that the stage needs', async (t) => {
  const programs = fakePrograms(t, { sbatch });
  const run = path.join(scratchDirectory(t), "it's mine");
  const { text } = slurmScript({ ...launch, run, isSeparate: true });
  const { code, stdout, stderr, file } = await started(t, text, programs);
  t.is(code, 0, stderr);
  t.is(
    stdout,
    'scan: job 101\nidentity: job 102\ncovariance: job 103\nbasis: job 104\nproject: job 105\nverify: job 106\nfinish: job 107\n',
  );
  const call = (name: string, last: number, after: number | null) => [
    ...['sbatch', '--parsable', `--job-name=eigenshard-it-s-mine-${name}`, `--array=0-${last}`],
    `--output=${run}/submissions/slurm-%A-${name}-%a.log`,
    ...(after === null ? [] : [`--dependency=afterok:${after}`, '--kill-on-invalid-dep=yes']),
    ...[file, name],
  ];
  t.deepEqual(programs.calls(), [
    call('scan', 2, null),
    call('identity', 0, 101),
    call('covariance', 1, 102),
    call('basis', 0, 103),
    call('project', 3, 104),
    call('verify', 3, 105),
    call('finish', 0, 106),
  ]);
  t.true(existsSync(path.join(run, 'submissions')));
});

test('where one stage cannot be submitted, those before leave the queue', async (t) => {
  const refusing = `if [ "\${!#}" = covariance ]; then exit 1; fi; ${sbatch}`;
  const programs = fakePrograms(t, { sbatch: refusing, scancel: '' });
  const run = path.join(scratchDirectory(t), 'mine');
  const { code } = await started(t, slurmScript({ ...launch, run, isSeparate: true }).text, programs);
  t.is(code, 1);
  const [name, ...jobs] = programs.calls().at(-1)!;
  t.is(name, 'scancel');
  t.deepEqual(jobs.sort(), ['101', '102']);
});

test('the separate script says that it must be a file', (t) => {
  const { text } = slurmScript({ ...launch, isSeparate: true });
  const { status, stderr } = spawnSync('bash', [], { input: text, encoding: 'utf8' });
  t.is(status, 2);
  t.is(stderr, 'eigenshard: save this script in a file first, then: bash FILE\n');
});

test('the options of a user stand behind the others, and what they choose is not chosen twice', (t) => {
  const directivesOf = (...engineOptions: string[]) =>
    slurmScript({ ...launch, engineOptions })
      .text.split('\n')
      .filter((line) => line.startsWith('#SBATCH'));
  const nodes = ['#SBATCH --nodes=4', '#SBATCH --ntasks-per-node=1'];
  t.deepEqual(directivesOf().slice(1, 4), ['#SBATCH --ntasks=4', ...nodes]);
  for (const option of ['--nodes=2', '-N2', '--ntasks-per-node=4']) {
    const lines = directivesOf(option);
    t.is(lines.at(-1), `#SBATCH ${option}`);
    t.true(lines.includes('#SBATCH --ntasks=4'));
    t.deepEqual(
      lines.filter((line) => nodes.includes(line)),
      [],
    );
  }
  t.deepEqual(directivesOf('--comment=a "b" \\ #', '-p', 'gpu').slice(-2), [
    '#SBATCH "--comment=a \\"b\\" \\\\ #"',
    '#SBATCH -p gpu',
  ]);
  t.is(directivesOf('--output=mine.log').filter((line) => line.includes('--output')).length, 1);
});

test('no more processes are asked for than the largest stage has units', (t) => {
  const { text } = slurmScript({ ...launch, workers: 100 });
  t.regex(text, /^#SBATCH --ntasks=6\n#SBATCH --nodes=6$/m);
});

test('what no script can hold, or would mean something else, is refused', (t) => {
  const refused = (changes: Partial<SlurmLaunch>, message: RegExp) =>
    t.throws(() => slurmScript({ ...launch, ...changes }), { name: 'InputError', message });
  refused({ run: '/a\nb' }, /^"\/a\\nb": has a control character/);
  refused({ engineOptions: ['--comment=a\n#SBATCH --wrap=id'] }, /has a control character/);
  refused(
    { engineOptions: ['other', '--time=1'] },
    /^other: expected an option of sbatch, which begins with -/,
  );
  refused({ run: '/a%j' }, /^\/a%j: Slurm cannot write a log .* \(-- --output=FILE\)$/);
  refused({ run: '/a\\b' }, /Slurm cannot write a log/);
  t.notThrows(() => slurmScript({ ...launch, run: '/a%j', engineOptions: ['-o', '/logs/%j'] }));
  for (const option of ['--ntasks=3', '-n', '-n3', '--array=0-3', '-a0', '--wrap=id'])
    refused({ engineOptions: [option, '3'] }, /^--?\w+: leave it away: /);
  const engineOptions = ['--dependency=afterok:3'];
  t.notThrows(() => slurmScript({ ...launch, engineOptions }));
  refused({ engineOptions, isSeparate: true }, /^--dependency: leave it away/);
});

test('an array larger than those of the cluster is refused, by what its stages need', (t) => {
  const large = { ...launch, isSeparate: true, workers: 5 };
  t.throws(() => slurmScript({ ...large, maxArraySize: 4 }), {
    message:
      /^--workers 5: .* arrays of 4 tasks at most \(MaxArraySize\), and stage project .* 5; give --workers 4$/,
  });
  t.notThrows(() => slurmScript({ ...large, maxArraySize: 5 }));
  // No stage has more than six units.
  t.notThrows(() => slurmScript({ ...large, workers: 1000, maxArraySize: 6 }));
  t.notThrows(() => slurmScript({ ...large, workers: 1000, maxArraySize: null }));
});
