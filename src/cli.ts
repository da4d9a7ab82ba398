import { Command, CommanderError, Help, type Option } from 'commander';
import { commandErrorText, refuseMisplaced } from './commands/command-errors.js';
import { exampleText } from './commands/examples.js';
import { misplacedWord } from './commands/misplaced-word.js';
import { withOutput } from './commands/print.js';
import { refuseRepeated } from './commands/repeated-options.js';
import { EigenshardError, exitCodeOf, exitCodes } from './errors.js';
import { explained, failureMessage } from './files/failure-message.js';
import { harmlessText } from './text/visible-text.js';
import { version } from './version.js';

/** Adds a command to the program. */
type Adder = (program: Command) => void;

/**
 * What adds each command, by its name, in the order of the help. A process runs one of them, and loads it alone: all together
 * take longer to load than many a command to run.
 */
const adders: Readonly<Record<string, () => Promise<Adder>>> = {
  run: async () => (await import('./commands/run.js')).addRunCommand,
  batch: async () => (await import('./commands/batch.js')).addBatchCommand,
  verify: async () => (await import('./commands/verify.js')).addVerifyCommand,
  inspect: async () => (await import('./commands/inspect.js')).addInspectCommand,
  export: async () => (await import('./commands/export.js')).addExportCommand,
  report: async () => (await import('./commands/report.js')).addReportCommand,
  top: async () => (await import('./commands/top.js')).addTopCommand,
  token: async () => (await import('./commands/token.js')).addTokenCommand,
  project: async () => (await import('./commands/project.js')).addProjectCommand,
  concepts: async () => (await import('./commands/concepts.js')).addConceptsCommand,
  undertrained: async () => (await import('./commands/undertrained.js')).addUndertrainedCommand,
  compare: async () => (await import('./commands/compare.js')).addCompareCommand,
  series: async () => (await import('./commands/series.js')).addSeriesCommand,
  sql: async () => (await import('./commands/sql.js')).addSqlCommand,
  neighbours: async () => (await import('./commands/neighbours.js')).addNeighboursCommand,
  generate: async () => (await import('./commands/generate.js')).addGenerateCommand,
  cache: async () => (await import('./commands/cache.js')).addCacheCommands,
  plan: async () => (await import('./commands/plan.js')).addPlanCommand,
  step: async () => (await import('./commands/step.js')).addStepCommand,
  status: async () => (await import('./commands/status.js')).addStatusCommand,
  submit: async () => (await import('./commands/submit.js')).addSubmitCommands,
  doctor: async () => (await import('./commands/doctor.js')).addDoctorCommand,
};

/** Runs the command line `argv` (without node and script); returns the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let command = '';
  const onAction = (name: string) => {
    command = name;
  };
  try {
    await withOutput(() => obey(argv, onAction).catch(acceptHelp));
    return 0;
  } catch (error) {
    return report(error, command);
  }
}

/**
 * Does what a command line says. One that the command alone does not understand is read again by the whole program, before
 * anything is done: which other command takes an option, only that knows.
 */
async function obey(argv: readonly string[], onAction: (name: string) => void): Promise<void> {
  const watched = (program: Command) => program.hook('preAction', (_, action) => onAction(action.name()));
  const called = calledBy(argv);
  if (called !== null) {
    const program = silenced(watched(await createProgram([called])));
    try {
      await parseCommandLine(program, argv);
      return;
    } catch (error) {
      const isMisunderstood = error instanceof CommanderError && error.exitCode !== 0;
      if (!isMisunderstood) throw error;
    }
  }
  await parseCommandLine(watched(await createProgram()), argv);
}

/** The command that a command line calls by its name, or by an option of it; null where it calls none, or asks for the help. */
function calledBy([first = '']: readonly string[]): string | null {
  if (first.startsWith('-')) return programOptions.has(first) ? null : 'run';
  return Object.hasOwn(adders, first) ? first : null;
}

/** Lets a program say nothing of what it does not understand. */
function silenced(command: Command): Command {
  command.configureOutput({ writeErr: () => {}, outputError: () => {} });
  for (const one of command.commands) silenced(one);
  return command;
}

/**
 * Commands with their arguments and options, all where none are named; what the program parses, it runs.
 *
 * @param names of the commands
 */
export async function createProgram(names: readonly string[] = Object.keys(adders)): Promise<Command> {
  const program = new Command('eigenshard')
    .description(
      "The eigenbasis of a language model's vocabulary: decompose a metric, project every token, verify.",
    )
    .version(version)
    .configureHelp({ optionDescription })
    .addHelpText(
      'after',
      [
        '',
        'A command line may begin with an option of run; "eigenshard run --help" names',
        'them, and "eigenshard COMMAND --help" those of another command.',
        exampleText(
          '--model path/to/checkpoint --out runs/mine',
          'inspect runs/mine',
          'top runs/mine --eigenvector 0',
          'verify runs/mine',
        ),
      ].join('\n'),
    )
    .exitOverride();
  const chosen = await Promise.all(names.map((name) => adders[name]!()));
  for (const add of chosen) add(program);
  const leaves = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands : [command],
  );
  for (const command of leaves) sayWhatNext(command, leaves);
  for (const command of [program, ...program.commands]) nameCommands(command);
  return program;
}

/**
 * Takes a command line apart and does what it says.
 * @throws CommanderError where it is not understood; what the command throws
 */
export async function parseCommandLine(program: Command, argv: readonly string[]): Promise<void> {
  const [first = ''] = argv;
  const hint = first.startsWith('-') || namesOf(program).includes(first) ? null : misplacedWord(first);
  if (hint !== null) program.showHelpAfterError(hint);
  await program.parseAsync(withCommand(argv, namesOf(program)), { from: 'user' });
}

/** Describes an option in a help, without the default of a switch: that it is off goes without saying. */
function optionDescription(option: Option): string {
  if (option.defaultValue !== false) return new Help().optionDescription(option);
  return option.description;
}

/** An error about the words of a command is answered with what they should be. */
function sayWhatNext(command: Command, all: readonly Command[]): void {
  refuseRepeated(command);
  command
    .allowExcessArguments()
    .hook('preAction', () => refuseMisplaced(command))
    .configureOutput({
      outputError: (text, write) => write(commandErrorText(text, command, all)),
    });
}

/** An unknown command is answered with all that there are, besides the nearest one. */
function nameCommands(command: Command): void {
  const names = namesOf(command);
  if (names.length > 0)
    command.showHelpAfterError(`The commands of ${command.name()} are ${names.join(', ')}.`);
}

function namesOf({ commands }: Command): string[] {
  return commands.map((command) => command.name());
}

/**
 * The command line with its command in front: `run` where it begins with an option, the help where there is nothing, and
 * an unknown word by itself, which no --help behind it may excuse.
 *
 * @param names of the commands
 */
function withCommand(argv: readonly string[], names: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === undefined) return ['--help'];
  if (first.startsWith('-')) {
    return programOptions.has(first) ? argv : ['run', ...argv];
  }
  if (first === 'help') return withCommand([...rest, '--help'], names);
  return names.includes(first) ? argv : [first];
}

/** What may stand in the place of a command. */
const programOptions: ReadonlySet<string> = new Set(['-h', '--help', '-V', '--version']);

/** Says what went wrong on stderr; returns the exit code. */
function report(error: unknown, command: string): number {
  // Commander has printed its message.
  if (error instanceof CommanderError) return exitCodes.input;
  const failure = explained(error);
  // Names in it may come from a file or a server: nothing of it is to act on the terminal.
  const message = failureMessage(failure).split('\n').map(harmlessText).join('\n');
  const next = failure instanceof EigenshardError ? advice(failure, command) : '';
  process.stderr.write(`eigenshard: ${message}${next}\n`);
  return failure instanceof EigenshardError ? exitCodeOf(failure) : exitCodes.run;
}

/** Commander ends with an error, too, where it has printed the help or the version that was asked for. */
function acceptHelp(error: unknown): void {
  if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
}

/** Ends the process after an error that nothing waits for; a failure of the machine may come at any time. */
export function endUnexpectedly(error: unknown): void {
  process.exit(report(error, ''));
}

/** How the two commands that keep what they have finished are called to go on. */
const continuations: Readonly<Record<string, string>> = { run: 'with --resume', batch: 'again' };

/** What to do next, where the message itself does not say it. */
function advice({ kind, isResumable }: EigenshardError, command: string): string {
  const how = continuations[command];
  if (how === undefined || kind === 'input' || kind === 'verification') return '';
  if (kind === 'interrupted') return `. Run the same command ${how} to continue`;
  if (!isResumable) return '';
  return `\nWhat was finished is kept: run the same command ${how} to continue`;
}
