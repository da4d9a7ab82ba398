import type { Maker } from '../output/done-records.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Scheduler, with the variables that say what it calls a process; without the first of them it is another one. */
interface Names {
  name: string;
  job: string;
  task: readonly string[];
  restarts?: string;
}

const schedulers: readonly Names[] = [
  {
    name: 'slurm',
    job: 'SLURM_JOB_ID',
    task: ['SLURM_ARRAY_TASK_ID', 'SLURM_PROCID'],
    restarts: 'SLURM_RESTART_COUNT',
  },
  { name: 'kubernetes', job: 'JOB_COMPLETION_INDEX', task: ['JOB_COMPLETION_INDEX'] },
  {
    name: 'aws-batch',
    job: 'AWS_BATCH_JOB_ID',
    task: ['AWS_BATCH_JOB_ARRAY_INDEX'],
    restarts: 'AWS_BATCH_JOB_ATTEMPT',
  },
  { name: 'pbs', job: 'PBS_JOBID', task: ['PBS_ARRAY_INDEX'] },
  { name: 'lsf', job: 'LSB_JOBID', task: ['LSB_JOBINDEX'] },
  { name: 'sge', job: 'JOB_ID', task: ['SGE_TASK_ID'] },
];

/** The scheduler that started this process, as its variables tell; null where there is none. */
export function schedulerOf(environment: Environment): Maker['scheduler'] {
  const found = schedulers.find(({ job }) => environment[job] !== undefined);
  if (found === undefined) return null;
  const task = found.task.map((name) => environment[name]).find((value) => value !== undefined);
  const restarts = Number((found.restarts === undefined ? null : environment[found.restarts]) ?? 0);
  return {
    name: found.name,
    job: environment[found.job]!,
    task: task ?? null,
    restarts: Number.isSafeInteger(restarts) ? restarts : 0,
  };
}
