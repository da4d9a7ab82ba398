import test from 'ava';
import { InputError } from '../../src/errors.js';
import { isInShare, type ShareFlags, shareOf } from '../../src/executor/array-index.js';

type Environment = Record<string, string>;

/** What a Slurm array says to its tasks, by the expression that it was submitted with. */
const slurmArray = (id: number, [first, count, step]: [number, number, number]): Environment => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(first),
  SLURM_ARRAY_TASK_MAX: String(first + step * (count - 1)),
  SLURM_ARRAY_TASK_STEP: String(step),
  SLURM_ARRAY_TASK_COUNT: String(count),
});

/** Beside SLURM_PROCID=0 and SLURM_NTASKS=2 in the script, a step of two tasks has these. */
const slurmStep = (rank: number, tasks: number): Environment => ({
  SLURM_PROCID: String(rank),
  SLURM_NTASKS: String(tasks),
  SLURM_STEP_ID: '0',
  SLURM_STEP_NUM_TASKS: String(tasks),
});

const sge = (id: string, first: string, last: string, step: string): Environment => ({
  SGE_TASK_ID: id,
  SGE_TASK_FIRST: first,
  SGE_TASK_LAST: last,
  SGE_TASK_STEPSIZE: step,
});

const shares: readonly [what: string, environment: Environment, index: number, of: number, source: string][] =
  [
    ['our own variables', { EIGENSHARD_INDEX: '3', EIGENSHARD_OF: '8' }, 3, 8, 'EIGENSHARD_OF'],
    ['a Slurm step of two tasks', slurmStep(1, 2), 1, 2, 'SLURM_STEP_NUM_TASKS'],
    ['a Slurm array from 0', slurmArray(3, [0, 8, 1]), 3, 8, 'SLURM_ARRAY_TASK_COUNT'],
    ['a Slurm array from 1', slurmArray(8, [1, 8, 1]), 7, 8, 'SLURM_ARRAY_TASK_COUNT'],
    ['a Slurm array 3-7:2', slurmArray(7, [3, 3, 2]), 2, 3, 'SLURM_ARRAY_TASK_COUNT'],
    ['a single task of a Slurm array', slurmArray(5, [5, 1, 1]), 0, 1, 'SLURM_ARRAY_TASK_COUNT'],
    [
      'a Slurm array whose tasks are steps of one task',
      { ...slurmArray(3, [0, 8, 1]), ...slurmStep(0, 1) },
      3,
      8,
      'SLURM_ARRAY_TASK_COUNT',
    ],
    ['an Indexed Job', { JOB_COMPLETION_INDEX: '0', EIGENSHARD_OF: '4' }, 0, 4, 'EIGENSHARD_OF'],
    [
      'AWS Batch',
      { AWS_BATCH_JOB_ARRAY_INDEX: '9', AWS_BATCH_JOB_ARRAY_SIZE: '10' },
      9,
      10,
      'AWS_BATCH_JOB_ARRAY_SIZE',
    ],
    ['Google Batch', { BATCH_TASK_INDEX: '2', BATCH_TASK_COUNT: '3' }, 2, 3, 'BATCH_TASK_COUNT'],
    ['SGE', sge('8', '1', '8', '1'), 7, 8, 'SGE_TASK_LAST'],
    ['SGE by steps whose last is not met', sge('7', '2', '10', '5'), 1, 2, 'SGE_TASK_LAST'],
    ['PBS', { PBS_ARRAY_INDEX: '7', EIGENSHARD_OF: '8' }, 7, 8, 'EIGENSHARD_OF'],
    ['LSF, from 1', { LSB_JOBINDEX: '1', EIGENSHARD_OF: '8' }, 0, 8, 'EIGENSHARD_OF'],
  ];

for (const [what, environment, index, of, source] of shares) {
  test(`the share of ${what}`, (t) => {
    const share = shareOf({}, environment);
    t.like(share, { index, of });
    t.regex(share!.source, new RegExp(` and ${source}$`));
  });
}

test('nothing speaks of a share outside of an array, though schedulers set their variables', (t) => {
  for (const environment of [
    {},
    // A script that asked for two tasks: it runs once, and has all of the work.
    { SLURM_PROCID: '0', SLURM_NTASKS: '2', SLURM_JOB_ID: '7' },
    slurmStep(0, 1),
    sge('undefined', 'undefined', 'undefined', 'undefined'),
    { LSB_JOBINDEX: '0' },
  ])
    t.is(shareOf({}, environment), null, JSON.stringify(environment));
});

test('flags beat our variables, these a step, a step its array, and an array what is around it', (t) => {
  const array = slurmArray(4, [0, 5, 1]);
  const step = { ...array, ...slurmStep(1, 2) };
  const own = { ...step, EIGENSHARD_INDEX: '2', EIGENSHARD_OF: '3' };
  t.like(shareOf({ index: '6', of: '7' }, own), { index: 6, of: 7, source: '--index and --of' });
  t.like(shareOf({}, own), { index: 2, of: 3 });
  t.like(shareOf({}, step), { index: 1, of: 2 });
  t.like(shareOf({}, { ...array, JOB_COMPLETION_INDEX: '0' }), { index: 4, of: 5 });
});

test('a scheduler that tells no count takes that of a flag before that of a variable', (t) => {
  const environment = { JOB_COMPLETION_INDEX: '3', EIGENSHARD_OF: '4' };
  t.like(shareOf({ of: '5' }, environment), { index: 3, of: 5, source: 'JOB_COMPLETION_INDEX and --of' });
});

type Refused = readonly [environment: Environment, flags: ShareFlags, message: RegExp];

const refused: readonly Refused[] = [
  [{}, { index: '1' }, /^--index is 1, and nothing says of how many: give --of$/],
  [{ EIGENSHARD_OF: '4' }, { index: '1' }, /^--index is 1, and nothing says of how many: give --of$/],
  [{}, { of: '4' }, /^--of is 4, without --index: give both or neither$/],
  [
    { EIGENSHARD_INDEX: '1' },
    {},
    /^EIGENSHARD_INDEX is 1, and nothing says of how many: give EIGENSHARD_OF$/,
  ],
  [{ EIGENSHARD_OF: '4' }, {}, /^EIGENSHARD_OF is 4, without EIGENSHARD_INDEX: give both or neither$/],
  [
    slurmArray(3, [0, 8, 1]),
    { of: '8' },
    /^--of is 8, without --index \(SLURM_ARRAY_TASK_ID has a count of its own\): /,
  ],
  [
    { JOB_COMPLETION_INDEX: '3' },
    {},
    /^JOB_COMPLETION_INDEX is 3, and nothing says of how many: give --of or EIGENSHARD_OF$/,
  ],
  [{ PBS_ARRAY_INDEX: '3' }, {}, /^PBS_ARRAY_INDEX is 3, and nothing says/],
  [{ LSB_JOBINDEX: '3' }, {}, /^LSB_JOBINDEX is 3, and nothing says/],
  [{ AWS_BATCH_JOB_ARRAY_INDEX: '3' }, {}, /^AWS_BATCH_JOB_ARRAY_INDEX is 3, and nothing says/],
  [{ BATCH_TASK_INDEX: '3' }, {}, /^BATCH_TASK_INDEX is 3, and nothing says/],
  [{ SLURM_ARRAY_TASK_ID: '3' }, {}, /^SLURM_ARRAY_TASK_STEP is not set; /],
  [{ SGE_TASK_ID: '3', SGE_TASK_STEPSIZE: '1' }, {}, /^SGE_TASK_FIRST is not set; /],
  [{}, { index: '4', of: '4' }, /^--index is 4, which is none of 4 that count from 0 \(--of is 4\); /],
  // As an array 1-8 would be, which PBS does not tell from 0-8.
  [{ PBS_ARRAY_INDEX: '8', EIGENSHARD_OF: '8' }, {}, /^PBS_ARRAY_INDEX is 8, .* \(EIGENSHARD_OF is 8\); /],
  [
    { LSB_JOBINDEX: '9', EIGENSHARD_OF: '8' },
    {},
    /^LSB_JOBINDEX is 9, which is none of 8 that count from 1 /,
  ],
  // A list 3,7,8 has three tasks, and no way to tell which of them one is.
  [
    { ...slurmArray(7, [3, 3, 1]) },
    {},
    /^SLURM_ARRAY_TASK_ID is 7, which is none of 3 that count from 3 \(SLURM_ARRAY_TASK_COUNT is 3\); give --index/,
  ],
  [{ ...slurmArray(4, [3, 3, 2]) }, {}, /^SLURM_ARRAY_TASK_ID is 4, .* count from 3 by 2; give --index/],
  [sge('1', '2', '8', '1'), {}, /^SGE_TASK_ID is 1, which is none of those that count from 2; /],
  ...['', 'one', '-1', '1.5', '1e1', ' 1', '0x1', '99999999999999999999'].map(
    (index): Refused => [
      {},
      { index, of: '4' },
      /^--index: expected a whole number from 0, came ".*"; give --index/,
    ],
  ),
  [{}, { index: '0', of: '0' }, /^--of: expected a whole number from 1, came "0"; /],
  [{ EIGENSHARD_INDEX: '', EIGENSHARD_OF: '4' }, {}, /^EIGENSHARD_INDEX: expected .*, came ""; /],
  [{ EIGENSHARD_INDEX: '0', EIGENSHARD_OF: 'four' }, {}, /^EIGENSHARD_OF: expected .* from 1, came "four"; /],
  [{ ...slurmArray(3, [0, 8, 1]), SLURM_ARRAY_TASK_MIN: 'x' }, {}, /^SLURM_ARRAY_TASK_MIN: expected /],
  [{ SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: 'two' }, {}, /^SLURM_STEP_NUM_TASKS: expected .*"two"/],
];

for (const [environment, flags, message] of refused) {
  test(`refused are ${JSON.stringify({ ...flags, ...environment })}`, (t) => {
    const error = t.throws(() => shareOf(flags, environment), { instanceOf: InputError });
    t.regex(error.message, message);
  });
}

test('the shares of a count have every unit once, whatever the count', (t) => {
  for (const of of [1, 3, 20]) {
    const units = Array.from({ length: of }, (_, index) =>
      Array.from({ length: 12 }, (_, unit) => unit).filter((unit) =>
        isInShare({ index, of, source: '' }, unit),
      ),
    );
    t.deepEqual(
      units.flat().toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, unit) => unit),
    );
  }
});
