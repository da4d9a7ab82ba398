import { InputError } from '../errors.js';

/** The share of some numbered work that one of several processes has: every unit u with u mod `of` = `index`. */
export interface Share {
  /** Number of this process, from 0. */
  index: number;
  /** Number of processes that share the work. */
  of: number;
  /** What says so, for a person: two flags, or the names of two variables. */
  source: string;
}

/** Flags of a command line, as they were typed. */
export interface ShareFlags {
  index?: string | undefined;
  of?: string | undefined;
}

/** One way to be told an index and a count; the names are those of variables, or of flags. */
interface Rule {
  index: string;
  /** Value of the index that means that there is no array here. */
  none?: string;
  /** Index of the first process: a number, or the variable that has it. */
  first: number | string;
  /** Variable with the distance between two indices; 1 without it. */
  step?: string;
  /** Variables with the number of processes, of which the first that is set counts. */
  count: readonly string[];
  /** Variable with the index of the last process, where there is none with their number. */
  last?: string;
  /** Whether the rule is one for two processes and more. */
  isForSeveral?: boolean;
}

const [FLAG_INDEX, FLAG_COUNT] = ['--index', '--of'];
const [OWN_INDEX, OWN_COUNT] = ['EIGENSHARD_INDEX', 'EIGENSHARD_OF'];
/** Where the number of processes stands that a scheduler does not tell. */
const told = [FLAG_COUNT, OWN_COUNT];

/**
 * The ways to be told a share, the first of which counts whose index is there. SLURM_NTASKS does not tell a step: in a
 * batch script it is there as well, beside SLURM_PROCID=0, and the one process there has all of the work.
 */
const rules: readonly Rule[] = [
  { index: FLAG_INDEX, first: 0, count: [FLAG_COUNT] },
  { index: OWN_INDEX, first: 0, count: [OWN_COUNT] },
  { index: 'SLURM_PROCID', first: 0, count: ['SLURM_STEP_NUM_TASKS'], isForSeveral: true },
  {
    index: 'SLURM_ARRAY_TASK_ID',
    first: 'SLURM_ARRAY_TASK_MIN',
    step: 'SLURM_ARRAY_TASK_STEP',
    count: ['SLURM_ARRAY_TASK_COUNT'],
  },
  { index: 'JOB_COMPLETION_INDEX', first: 0, count: told },
  { index: 'AWS_BATCH_JOB_ARRAY_INDEX', first: 0, count: ['AWS_BATCH_JOB_ARRAY_SIZE'] },
  { index: 'BATCH_TASK_INDEX', first: 0, count: ['BATCH_TASK_COUNT'] },
  {
    index: 'SGE_TASK_ID',
    none: 'undefined',
    first: 'SGE_TASK_FIRST',
    step: 'SGE_TASK_STEPSIZE',
    count: [],
    last: 'SGE_TASK_LAST',
  },
  { index: 'PBS_ARRAY_INDEX', first: 0, count: told },
  { index: 'LSB_JOBINDEX', none: '0', first: 1, count: told },
];

type Values = Readonly<Record<string, string | undefined>>;

/**
 * Finds the share of this process: by its flags, else by EIGENSHARD_INDEX and EIGENSHARD_OF, else by what its scheduler
 * has set.
 *
 * @param environment of the process
 * @returns null where nothing speaks of a share, and the process has all of the work
 * @throws InputError that names the flag or variable: one of the two alone, no number, an index that is none of the count
 */
export function shareOf(flags: ShareFlags, environment: Values): Share | null {
  const values: Values = { ...environment, [FLAG_INDEX]: flags.index, [FLAG_COUNT]: flags.of };
  const rule = rules.find((one) => speaks(one, values));
  refuseLoneCount(rule, values);
  return rule === undefined ? null : shareBy(rule, values);
}

/** Tells whether a unit of the work is in a share. */
export function isInShare({ index, of }: Share, unit: number): boolean {
  return unit % of === index;
}

function speaks({ index, none, count, isForSeveral = false }: Rule, values: Values): boolean {
  const value = values[index];
  if (value === undefined || value === none) return false;
  const [tasks] = count.map((name) => values[name]);
  return !isForSeveral || (tasks !== undefined && tasks !== '1');
}

function shareBy(rule: Rule, values: Values): Share {
  const index = indexBy(rule, values);
  const { of, name } = countBy(rule, values);
  if (index >= of) {
    throw new InputError(
      `${rule.index} is ${values[rule.index]}, which is none of ${of} that count from ${firstBy(rule, values)} ` +
        `(${name} is ${values[name]}); give --index, from 0, and --of`,
    );
  }
  return { index, of, source: `${rule.index} and ${name}` };
}

function indexBy(rule: Rule, values: Values): number {
  const id = wholeNumber(rule.index, values);
  const step = rule.step === undefined ? 1 : wholeNumber(rule.step, values, 1);
  const index = (id - firstBy(rule, values)) / step;
  if (Number.isInteger(index) && index >= 0) return index;
  throw new InputError(
    `${rule.index} is ${id}, which is none of those that count from ${firstBy(rule, values)}` +
      `${step === 1 ? '' : ` by ${step}`}; give --index, from 0, and --of`,
  );
}

function firstBy({ first }: Rule, values: Values): number {
  return typeof first === 'number' ? first : wholeNumber(first, values);
}

function countBy(rule: Rule, values: Values): { of: number; name: string } {
  const { last } = rule;
  if (last !== undefined) {
    const step = rule.step === undefined ? 1 : wholeNumber(rule.step, values, 1);
    return { of: Math.floor((wholeNumber(last, values) - firstBy(rule, values)) / step) + 1, name: last };
  }
  const name = rule.count.find((one) => values[one] !== undefined);
  if (name !== undefined) return { of: wholeNumber(name, values, 1), name };
  throw new InputError(
    `${rule.index} is ${values[rule.index]}, and nothing says of how many: give ${rule.count.join(' or ')}`,
  );
}

/** A count that no rule takes was meant for something, and all of the work is not it. Flags beat the environment. */
function refuseLoneCount(rule: Rule | undefined, values: Values): void {
  if (rule?.index === FLAG_INDEX) return;
  const lone = told.find((name) => values[name] !== undefined && !rule?.count.includes(name));
  if (lone === undefined) return;
  const index = lone === FLAG_COUNT ? FLAG_INDEX : OWN_INDEX;
  const other = rule === undefined ? '' : ` (${rule.index} has a count of its own)`;
  throw new InputError(`${lone} is ${values[lone]}, without ${index}${other}: give both or neither`);
}

function wholeNumber(name: string, values: Values, least = 0): number {
  const value = values[name];
  if (value === undefined) throw new InputError(`${name} is not set; give --index and --of`);
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw new InputError(
    `${name}: expected a whole number from ${least}, came ${JSON.stringify(value)}; give --index, from 0, and --of`,
  );
}
