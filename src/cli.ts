import { Command, CommanderError, Help, type Option } from 'commander';
import { addBatchCommand } from './commands/batch.js';
import { addCacheCommands } from './commands/cache.js';
import { commandErrorText, refuseMisplaced } from './commands/command-errors.js';
import { addCompareCommand } from './commands/compare.js';
import { addConceptsCommand } from './commands/concepts.js';
import { addDoctorCommand } from './commands/doctor.js';
import { exampleText } from './commands/examples.js';
import { addExportCommand } from './commands/export.js';
import { addGenerateCommand } from './commands/generate.js';
import { addInspectCommand } from './commands/inspect.js';
import { misplacedWord } from './commands/misplaced-word.js';
import { addNeighboursCommand } from './commands/neighbours.js';
import { addPlanCommand } from './commands/plan.js';
import { withOutput } from './commands/print.js';
import { addProjectCommand } from './commands/project.js';
import { addReportCommand } from './commands/report.js';
import { addRunCommand } from './commands/run.js';
import { addSeriesCommand } from './commands/series.js';
import { addSqlCommand } from './commands/sql.js';
import { addStatusCommand } from './commands/status.js';
import { addStepCommand } from './commands/step.js';
import { addSubmitCommands } from './commands/submit.js';
import { addTokenCommand } from './commands/token.js';
import { addTopCommand } from './commands/top.js';
import { addUndertrainedCommand } from './commands/undertrained.js';
import { addVerifyCommand } from './commands/verify.js';
import { EigenshardError, exitCodeOf, exitCodes } from './errors.js';
import { explained, failureMessage } from './files/failure-message.js';
import { harmlessText } from './text/visible-text.js';
import { version } from './version.js';

/** Runs the command line `argv` (without node and script); returns the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  let command = '';
  program.hook('preAction', (_, action) => {
    command = action.name();
  });
  try {
    await withOutput(() => parseCommandLine(program, argv).catch(acceptHelp));
    return 0;
  } catch (error) {
    return report(error, command);
  }
}

/** All commands with their arguments and options; what it parses, it runs. */
export function createProgram(): Command {
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
  addRunCommand(program);
  addBatchCommand(program);
  addVerifyCommand(program);
  addInspectCommand(program);
  addExportCommand(program);
  addReportCommand(program);
  addTopCommand(program);
  addTokenCommand(program);
  addProjectCommand(program);
  addConceptsCommand(program);
  addUndertrainedCommand(program);
  addCompareCommand(program);
  addSeriesCommand(program);
  addSqlCommand(program);
  addNeighboursCommand(program);
  addGenerateCommand(program);
  addCacheCommands(program);
  addPlanCommand(program);
  addStepCommand(program);
  addStatusCommand(program);
  addSubmitCommands(program);
  addDoctorCommand(program);
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
