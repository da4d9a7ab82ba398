import path from 'node:path';
import { InputError } from '../errors.js';
import type { Stage } from '../plan/stages.js';
import { shellWord } from '../text/shell-word.js';
import { type Launch, type LaunchScript, processesOf, refuseStrange } from './launcher.js';

/** What Slurm has to know beside what every engine has. */
export interface SlurmLaunch extends Launch {
  /** Words that start eigenshard on the nodes. */
  command: readonly string[];
  /** Whether each stage is a job of its own, an array, where nodes are hard to get together. */
  isSeparate: boolean;
  /** MaxArraySize of the cluster, which bounds the indices of an array; null where it is not known. */
  maxArraySize: number | null;
}

/** How often a job starts again by itself. Slurm counts its own restarts, after the failure of a node, as well. */
const RESTARTS = 10;

/** Seconds before the time limit at which a job is told of it: enough to end a step, which keeps its finished units. */
const WARNING_SECONDS = 60;

/**
 * Writes the script that computes a run under Slurm: one job whose steps are the stages, or with `isSeparate` one that
 * submits itself, an array for each stage.
 *
 * @throws InputError where the script could not say what was asked for
 */
export function slurmScript(launch: SlurmLaunch): LaunchScript {
  refuseStrange(launch, 'sbatch');
  refuseTakenOptions(launch);
  refuseLogPath(launch);
  const sections = launch.isSeparate ? separateSections(launch) : jointSections(launch);
  return {
    text: `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`,
    start: launch.isSeparate ? ['bash'] : ['sbatch', '--parsable'],
  };
}

/** One allocation: Slurm lets a step begin when the one before has ended in all of its processes. */
function jointSections(launch: SlurmLaunch): string[][] {
  // A process, and a node, beyond the units of the largest stage would never do anything.
  const processes = Math.max(...launch.stages.map((stage) => processesOf(stage, launch)));
  const areNodesChosen = ['--nodes', '-N', '--ntasks-per-node'].some((name) => isGiven(launch, name));
  return [
    [
      '#!/bin/bash',
      '# A run of eigenshard as one job, a step for each stage. Submitted again, it computes what is left:',
      `#   mkdir -p ${shellWord(logFolder(launch))}`,
      '#   sbatch FILE',
      '#',
      `# Processes${areNodesChosen ? '' : ', each on a node of its own'}:`,
      `#SBATCH --job-name=${jobName(launch)}`,
      `#SBATCH --ntasks=${processes}`,
      ...(areNodesChosen ? [] : [`#SBATCH --nodes=${processes}`, '#SBATCH --ntasks-per-node=1']),
      ...directives(),
      ...(isLogGiven(launch) ? [] : [`#SBATCH --output=${directiveWord(logPath(launch, '%j'))}`]),
      ...givenDirectives(launch),
    ],
    ...stepSections(launch, '"$SLURM_JOB_ID"'),
    [
      '# Each step waits for all processes of the one before. What is one unit needs no second process.',
      ...launch.stages.map(({ name, units }) =>
        units === 1 ? `compute ${name} --nodes=1 --ntasks=1` : `compute ${name}`,
      ),
    ],
  ];
}

/** One array for each stage, of which the next one waits for all tasks. */
function separateSections(launch: SlurmLaunch): string[][] {
  for (const stage of launch.stages) refuseLargeArray(stage, launch);
  const log = isLogGiven(launch)
    ? []
    : [`  options+=(--output=${shellWord(`${logFolder(launch)}/`)}"slurm-%A-$1-%a.log")`];
  return [
    [
      '#!/bin/bash',
      '# A run of eigenshard as jobs of Slurm, an array for each stage, all submitted at once by',
      '#   bash FILE',
      '# which hands this same file to sbatch, with the name of a stage. Called again, it computes what is left.',
      '#',
      '# Of every task:',
      '#SBATCH --ntasks=1',
      ...directives(),
      ...givenDirectives(launch),
    ],
    [
      'if [ $# -eq 0 ]; then',
      ...submitLines(launch, log).map((line) => (line === '' ? '' : `  ${line}`)),
      'fi',
    ],
    ...stepSections(launch, '"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"'),
    ['compute "$1"'],
  ];
}

/** Lines that put all stages into the queue, or none. */
function submitLines(launch: SlurmLaunch, log: readonly string[]): string[] {
  return [
    'file=${BASH_SOURCE[0]}',
    'if [ ! -f "$file" ]; then',
    '  echo "eigenshard: save this script in a file first, then: bash FILE" >&2',
    '  exit 2',
    'fi',
    `mkdir -p ${shellWord(logFolder(launch))} || exit 1`,
    'declare -A jobs',
    '',
    '# submit STAGE LAST_TASK STAGE_BEFORE...: where a stage before fails, Slurm takes this one out of the queue.',
    'submit() {',
    '  local name=$1 last=$2 job',
    `  local options=(--parsable --job-name=${shellWord(jobName(launch))}"-$name" --array="0-$last")`,
    ...log,
    '  shift 2',
    '  if [ $# -gt 0 ]; then',
    '    options+=(--dependency="afterok$(for before; do printf ":%s" "${jobs[$before]}"; done)" --kill-on-invalid-dep=yes)',
    '  fi',
    '  if ! job=$(sbatch "${options[@]}" "$file" "$name"); then',
    '    if [ ${#jobs[@]} -gt 0 ]; then scancel "${jobs[@]}"; fi',
    '    exit 1',
    '  fi',
    '  # Behind a semicolon a federation names the cluster.',
    '  jobs[$name]=${job%%;*}',
    '  echo "$name: job ${jobs[$name]}"',
    '}',
    '',
    ...launch.stages.map((stage) =>
      ['submit', stage.name, processesOf(stage, launch) - 1, ...stage.after].join(' '),
    ),
    'exit 0',
  ];
}

/** The options that every job has. */
function directives(): string[] {
  return [
    '# After the failure of a node Slurm starts it again, and its log goes on:',
    '#SBATCH --requeue',
    '#SBATCH --open-mode=append',
    `# ${WARNING_SECONDS} seconds before its time limit, this script is told:`,
    `#SBATCH --signal=B:USR1@${WARNING_SECONDS}`,
  ];
}

/** Options of the user, of which Slurm lets the later ones count. */
function givenDirectives(launch: SlurmLaunch): string[] {
  const lines: string[][] = [];
  for (const word of launch.engineOptions) {
    if (word.startsWith('-')) lines.push([word]);
    else lines.at(-1)?.push(word);
  }
  if (lines.length === 0) return [];
  return ['# As they were given:', ...lines.map((words) => `#SBATCH ${words.map(directiveWord).join(' ')}`)];
}

/**
 * What computes a stage in a step, and what becomes of a failure.
 *
 * @param job what Slurm knows the job or task by, for bash
 */
function stepSections({ run, command, stepOptions }: SlurmLaunch, job: string): string[][] {
  return [
    [
      `run=${shellWord(run)}`,
      `eigenshard=(${command.map(shellWord).join(' ')})`,
      `job=${job}`,
      '# How often the job may start again by itself.',
      `restarts=${RESTARTS}`,
      'step=',
    ],
    [
      '# As many threads as a process has CPUs, if that was said. Not every srun takes the number over from sbatch.',
      `options=(${stepOptions.map(shellWord).join(' ')})`,
      'if [ -n "$SLURM_CPUS_PER_TASK" ]; then',
      '  options+=(--workers "$SLURM_CPUS_PER_TASK")',
      '  export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK',
      'fi',
      '# A step that ended while its controller was away keeps its CPUs for Slurm: the next one is not to wait for them.',
      'export SLURM_OVERLAP=1',
    ],
    [
      '# Puts the job into the queue again, which ends this script; then it finds what is done, and goes on.',
      'again() {',
      '  if [ "${SLURM_RESTART_COUNT:-0}" -lt "$restarts" ]; then',
      '    echo "eigenshard: $1; the job starts again" >&2',
      '    scontrol requeue "$job"',
      '  else',
      '    echo "eigenshard: $1, and the job has started again $restarts times; submit it again" >&2',
      '  fi',
      '  exit 75',
      '}',
    ],
    [
      '# The time limit is near: the step is told to end, not by srun, which would kill it, and its units stay whole.',
      'limit() {',
      '  if [ -n "$step" ]; then',
      '    scancel --signal=TERM "$job"',
      '    wait "$step"',
      '  fi',
      '  again "the time limit is near"',
      '}',
      'trap limit USR1',
      '# The job is cancelled, or makes room for another one: Slurm has told the step.',
      `trap 'if [ -n "$step" ]; then wait "$step"; fi; exit 143' TERM`,
    ],
    [
      '# compute STAGE OPTION_OF_SRUN...: each process computes every unit u with u mod (processes) = its number.',
      '# One that has ended, well or not, leaves the others at their work, whatever this cluster does by itself. Of several',
      '# exit codes srun gives the highest: 75 is what may pass (a full disk, no memory), 2 and 3 stay as they are.',
      'compute() {',
      '  local code',
      '  srun --kill-on-bad-exit=0 --wait=0 "${@:2}" "${eigenshard[@]}" step "$run" "$1" "${options[@]}" &',
      '  step=$!',
      '  wait "$step"',
      '  code=$?',
      '  step=',
      '  if [ "$code" -eq 75 ]; then again "$1: what failed may pass"; fi',
      '  if [ "$code" -ne 0 ]; then exit "$code"; fi',
      '}',
    ],
  ];
}

/** Name of a job in the lists of Slurm, which have some characters for it. */
function jobName({ run }: Launch): string {
  return `eigenshard-${path.basename(run).replaceAll(/[^\w.-]+/g, '-')}`.slice(0, 60);
}

function logFolder({ run }: Launch): string {
  return path.join(run, 'submissions');
}

function logPath(launch: Launch, what: string): string {
  return path.join(logFolder(launch), `slurm-${what}.log`);
}

/** A word of a line that begins with #SBATCH, whose rules of quoting are Slurm's own. */
function directiveWord(text: string): string {
  if (/^[\w@%+=:,./*[\]-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Whether the user gave an option: `--name`, `--name=VALUE`, or `-x` and what may stand right behind it. */
function isGiven({ engineOptions }: Launch, name: string): boolean {
  return engineOptions.some((word) =>
    name.startsWith('--') ? word.split('=')[0] === name : word.startsWith(name),
  );
}

function isLogGiven(launch: Launch): boolean {
  return isGiven(launch, '--output') || isGiven(launch, '-o');
}

/** Options that the script itself gives, and why a user does not. */
function refuseTakenOptions(launch: SlurmLaunch): void {
  const taken: [string, string][] = [
    ['--ntasks', 'the number of processes is --workers, before --'],
    ['-n', 'the number of processes is --workers, before --'],
    ['--array', 'every task would compute the whole run; arrays come with --separate, before --'],
    ['-a', 'every task would compute the whole run; arrays come with --separate, before --'],
    ['--wrap', 'the script is made here'],
  ];
  if (launch.isSeparate) {
    taken.push(
      ['--dependency', 'with --separate the stages depend on one another'],
      ['-d', 'with --separate the stages depend on one another'],
    );
  }
  const [name, why] = taken.find(([option]) => isGiven(launch, option)) ?? [];
  if (name !== undefined) throw new InputError(`${name}: leave it away: ${why}`);
}

/** Slurm puts something else in the place of a percent sign in the name of a log, and takes a backslash away. */
function refuseLogPath(launch: SlurmLaunch): void {
  if (isLogGiven(launch) || !/[%\\]/.test(launch.run)) return;
  throw new InputError(
    `${launch.run}: Slurm cannot write a log in a folder with % or \\ in its path; say where it goes (-- --output=FILE)`,
  );
}

function refuseLargeArray(stage: Stage, launch: SlurmLaunch): void {
  const tasks = processesOf(stage, launch);
  const { maxArraySize } = launch;
  if (maxArraySize === null || tasks <= maxArraySize) return;
  throw new InputError(
    `--workers ${launch.workers}: this Slurm has arrays of ${maxArraySize} tasks at most (MaxArraySize), and stage ` +
      `${stage.name} would have ${tasks}; give --workers ${maxArraySize}`,
  );
}
