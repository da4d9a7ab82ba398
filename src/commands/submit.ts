import { statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { InputError, PassingError, RunError } from '../errors.js';
import { keepScript } from '../executor/keep-script.js';
import { kubernetesScript, type Volume } from '../executor/kubernetes.js';
import type { Launch, LaunchScript } from '../executor/launcher.js';
import { slurmScript } from '../executor/slurm.js';
import { type ProgramEnd, startProgram } from '../executor/start-program.js';
import { directoryStore } from '../output/run-store.js';
import { shellWord } from '../text/shell-word.js';
import { screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { allowMixedOption, needs, wholeNumber } from './options.js';
import { print } from './print.js';
import { RepeatableOption } from './repeated-options.js';

/** The program, as the nodes of a cluster start it: from the checkout or package that this file is of. */
const COMMAND = [process.execPath, fileURLToPath(new URL('../../../coordinator.js', import.meta.url))];

/** Adds `submit slurm` and `submit kubernetes`. */
export function addSubmitCommands(program: Command): void {
  const submit = program
    .command('submit')
    .description('have a cluster compute a run that is planned, or what is left of it')
    .addHelpText(
      'after',
      exampleText(
        'submit slurm runs/mine --workers 8',
        'submit kubernetes /d/mine --workers 8 --image I --volume claim:/d',
      ),
    );
  submit
    .command('slurm')
    .description('one job, or an array for each stage')
    .argument('<run>', 'directory of the run, which all nodes see at the same path')
    .argument('[sbatch...]', 'behind --: options of sbatch, as --time=2:00:00 or --partition=cpu')
    .option(
      '--workers <n>',
      'processes that share the units of each stage, by default a node each',
      wholeNumber,
    )
    .option('--separate', 'an array of its own for each stage, where nodes are hard to get together', false)
    .addOption(allowMixedOption())
    .option('--print', 'print the script, write and submit nothing', false)
    .action(submitToSlurm)
    .hook('preAction', needs('workers'))
    .addHelpText(
      'after',
      exampleText(
        'submit slurm runs/mine --workers 8 -- --time=2:00:00 --mem=32G',
        'submit slurm runs/mine --workers 8 --separate --print',
      ),
    );
  submit
    .command('kubernetes')
    .description('a Job for each stage, in turn')
    .argument('<run>', 'directory of the run, which this machine and the pods see at the same path')
    .argument('[kubectl...]', 'behind --: options of kubectl, as --namespace=lab')
    .option('--workers <n>', 'pods that share the units of each stage', wholeNumber)
    .option('--image <image>', 'image of the pods, whose entry is eigenshard')
    .addOption(
      new RepeatableOption(
        '--volume <claim:folder>',
        'a persistent volume claim, and where it is mounted; one has the run, others what it reads',
      ).argParser(volumes),
    )
    .option('--cpus <n>', 'cores of each pod', wholeNumber, 4)
    .option('--memory <quantity>', 'memory of each pod', quantity, '8Gi')
    .option(
      '--user <uid:gid>',
      'whose files the pods write (default: whose the directory of the run is)',
      userIds,
    )
    .addOption(allowMixedOption())
    .option('--print', 'print the script, write and start nothing', false)
    .action(submitToKubernetes)
    .hook('preAction', needs('workers', 'image', 'volume'))
    .addHelpText(
      'after',
      exampleText(
        'submit kubernetes /d/mine --workers 8 --image I --volume claim:/d',
        'submit kubernetes /d/a --workers 8 --image I --volume c:/d --print',
      ),
    );
}

interface SharedOptions {
  workers: number;
  allowMixed: boolean;
  print: boolean;
}

interface SlurmOptions extends SharedOptions {
  separate: boolean;
}

async function submitToSlurm(directory: string, given: string[], options: SlurmOptions): Promise<void> {
  const launch = await launchOf(directory, options, given);
  await interruptible(async (signal) => {
    const maxArraySize = options.separate && !options.print ? await largestArray(signal) : null;
    const script = slurmScript({ ...launch, command: COMMAND, isSeparate: options.separate, maxArraySize });
    if (options.print) return print(script.text.trimEnd());
    const file = keptScript(launch, 'slurm', script);
    const { stdout } = await submitted(script, file, { isShown: false, signal });
    // Behind a semicolon a federation names the cluster.
    const jobs = options.separate ? stdout.trim() : `job ${stdout.trim().split(';')[0]}`;
    print(screenText([file, jobs, `what is done: eigenshard status ${shellWord(launch.run)}`].join('\n')));
  });
}

interface KubernetesOptions extends SharedOptions {
  image: string;
  volume: Volume[];
  cpus: number;
  memory: string;
  user?: { uid: number; gid: number };
}

async function submitToKubernetes(
  directory: string,
  given: string[],
  options: KubernetesOptions,
): Promise<void> {
  const launch = await launchOf(directory, options, given);
  const { image, volume, cpus, memory, user } = options;
  const { uid, gid } = user ?? statSync(launch.run);
  const script = kubernetesScript({ ...launch, image, volumes: volume, cpus, memory, user: { uid, gid } });
  if (options.print) return print(script.text.trimEnd());
  const file = keptScript(launch, 'kubernetes', script);
  print(screenText(`${file}\nwhat is done: eigenshard status ${shellWord(launch.run)}`));
  await interruptible((signal) => submitted(script, file, { isShown: true, signal }));
}

/**
 * Finds what is to be started.
 *
 * @throws InputError where no run is planned in the directory
 */
async function launchOf(
  directory: string,
  { workers, allowMixed }: SharedOptions,
  engineOptions: string[],
): Promise<Launch> {
  const { openSteps } = await import('../run/open-steps.js');
  const opened = openSteps(directory);
  const run = opened.directory;
  if (opened.isFinished) throw new InputError(`${directory}: is finished; there is nothing left to submit`);
  // Whoever plans the run again, while this waits in a queue, has it refused instead of taken for the other one.
  const stepOptions = ['--plan', opened.plan.sha256, ...(allowMixed ? ['--allow-mixed'] : [])];
  return { run, stages: opened.plan.stages, workers, stepOptions, engineOptions };
}

/** Keeps a script with its run. @returns its path */
function keptScript({ run }: Launch, engine: string, { text }: LaunchScript): string {
  const store = directoryStore(run, { durable: true, lock: null });
  return path.join(run, keepScript(store, engine, text));
}

/**
 * Starts a script.
 *
 * @param file of the script
 * @throws InputError, RunError or PassingError that names the script, which can be started by hand
 */
async function submitted(
  { start }: LaunchScript,
  file: string,
  options: { isShown: boolean; signal: AbortSignal },
): Promise<ProgramEnd> {
  const words = [...start, file];
  const byHand = `the script is kept; start it by: ${words.map(shellWord).join(' ')}`;
  const end = await startProgram(words, options).catch((error) => {
    throw error instanceof InputError
      ? new InputError(`${error.message}; ${byHand}`, { cause: error })
      : error;
  });
  if (end.code === 0) return end;
  const text = `${words[0]} ended with exit code ${end.code}, for the reason above; ${byHand}`;
  if (end.code === 2) throw new InputError(text);
  throw end.code === 75 ? new PassingError(text) : new RunError(text);
}

/** Reads MaxArraySize of this cluster; null where Slurm does not say it here. */
async function largestArray(signal: AbortSignal): Promise<number | null> {
  try {
    const { stdout } = await startProgram(['scontrol', 'show', 'config'], { isShown: false, signal });
    const [, size] = /^MaxArraySize\s*=\s*(\d+)$/m.exec(stdout) ?? [];
    return size === undefined ? null : Number(size);
  } catch (error) {
    // Where there is no Slurm, a script can still be printed.
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** Adds a volume to those before: CLAIM:FOLDER. */
function volumes(text: string, before: readonly Volume[] = []): Volume[] {
  const [, claim, mount] = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\/[^:]*)$/.exec(text) ?? [];
  if (claim === undefined || mount === undefined)
    throw new InvalidArgumentError('It must be the name of a claim and an absolute path: shared:/shared.');
  return [...before, { claim, mount: path.posix.normalize(mount) }];
}

function quantity(text: string): string {
  if (!/^\d+(?:\.\d+)?(?:[KMGT]i?)?$/.test(text))
    throw new InvalidArgumentError('It must be an amount as Kubernetes writes it, such as 8Gi.');
  return text;
}

function userIds(text: string): { uid: number; gid: number } {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (uid === undefined || gid === undefined)
    throw new InvalidArgumentError('It must be two numbers, as 1000:1000.');
  return { uid: Number(uid), gid: Number(gid) };
}
