import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import {
  configDefaults,
  DEFAULT_RIDGE,
  type ExportKind,
  exportKinds,
  loadConfig,
  type Overrides,
} from './config.js';
import { runJob } from './coordinator.js';
import { EigenshardError, type ErrorKind, exitCodes, InputError } from './errors.js';
import type { Executor } from './executor/executor.js';
import { ThreadExecutor } from './executor/threads.js';
import { rowSelections } from './input/vocabulary-rows.js';
import { backends } from './linalg/backend/dense-kernels.js';
import { inspectModel } from './model-inspection.js';
import { MANIFEST_NAME, readManifest } from './output/manifest.js';
import { partitionFormats, tableChoices } from './plan.js';
import { createProgress, type Progress } from './progress.js';
import { type Measure, type Side, sides } from './report/contents.js';
import { renewReport } from './report/renew-report.js';
import { reverify } from './reverify.js';
import { querySql } from './sql.js';
import { sqlText } from './sql-text.js';
import { generateCheckpoint, isGenerated } from './stages/generate.js';
import { refuseFailed } from './stages/verification.js';
import { Stopwatch } from './stopwatch.js';
import { inspectionText, modelText, summaryText, verificationLines } from './summary.js';
import { topTokens } from './top.js';
import { topText } from './top-text.js';
import { version } from './version.js';

const PACKAGED_CONFIG = fileURLToPath(new URL('../../config/default.json', import.meta.url));

/** Runs the command line `argv` (without node and script); returns the process's exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return exitCodeOf(error);
  }
}

function createProgram(): Command {
  const program = new Command('eigenshard')
    .description(
      "The eigenbasis of a language model's vocabulary: decompose a metric, project every token, verify.",
    )
    .version(version)
    .exitOverride();

  program
    .command('run', { isDefault: true })
    .description('compute a run (the default command)')
    .option('--config <file>', 'configuration file; without it and --model, the packaged synthetic example')
    .option(
      '--model <path>',
      'checkpoint: a Hugging Face directory, a .safetensors, .bin (torch.save) or .npy file',
    )
    .option('--tensor <name>', 'tensor to use, where the right one is not found by itself')
    .addOption(
      new Option('--rows <rows>', `of the tensor (default: ${configDefaults.rows})`).choices(rowSelections),
    )
    .option('--metric <file>', 'metric M (.pt, .safetensors, .npy); without it M is computed')
    .option('--ridge <x>', `ridge rho of a computed metric (default: ${DEFAULT_RIDGE})`, number)
    .option('--out <dir>', 'output directory (default: runs/<name of the model>)')
    .addOption(
      new Option('--format <format>', `of the partitions (default: ${configDefaults.format})`).choices(
        partitionFormats,
      ),
    )
    .option('--export <list>', 'also write pt, safetensors and/or npy, separated by commas', exportList)
    .option(
      '--partition-rows <n>',
      `rows a partition (default: ${configDefaults.partitionRows})`,
      wholeNumber,
    )
    .addOption(
      new Option(
        '--tables <tables>',
        `of tokens, eigenvectors, extremes, histograms (default: ${configDefaults.tables})`,
      ).choices(tableChoices),
    )
    .option('--top <k>', `tokens in each list of extremes (default: ${configDefaults.top})`, wholeNumber)
    .addOption(workersOption())
    .addOption(
      new Option(
        '--backend <backend>',
        `what multiplies and decomposes (default: ${configDefaults.backend})`,
      ).choices(backends),
    )
    .option('--blas <path>', 'system BLAS and LAPACK to use, where the right one is not found by itself')
    // Named too, so that a configuration's own choice stands where the command line is silent.
    .addOption(new Option('--report', 'write report.html beside the tables (the default)').hideHelp())
    .option('--no-report', 'write no report.html')
    .option('--resume', 'continue an interrupted run', false)
    .option('--overwrite', 'replace a run that is there already', false)
    .option('--json', 'print one JSON object on stdout at the end', false)
    .option('--quiet', 'no progress', false)
    .action(run);

  program
    .command('verify')
    .description('check a finished run again, from the bytes on disk')
    .argument('<run>', 'output directory of the run')
    .option('--model <path>', 'checkpoint, where it is no longer at the place that the run recorded')
    .option('--metric <file>', 'metric file, likewise')
    .addOption(workersOption())
    .option('--json', 'print the verification as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .action(verify);

  program
    .command('inspect')
    .description('show what a finished run holds, or what a run would take of a checkpoint')
    .argument('<path>', 'output directory of a run, or a checkpoint')
    .option('--tensor <name>', 'of the checkpoint, instead of the one that is found by itself')
    .option('--json', 'print it as JSON', false)
    .action(inspect);

  program
    .command('report')
    .description('make report.html of a finished run again, from its tables')
    .argument('<run>', 'output directory of the run')
    .action(report);

  program
    .command('top')
    .description('show the tokens that lie farthest along an eigenvector')
    .argument('<run>', 'output directory of the run')
    .requiredOption('--eigenvector <index>', 'its index, ascending lambda', integer)
    .addOption(
      new Option('--side <side>', 'of the eigenvector, whose sign is arbitrary')
        .choices([...sides, 'both'])
        .default('both'),
    )
    .addOption(
      new Option('--measure <measure>', 'what makes a token far')
        .choices(Object.keys(measureNames))
        .default('causal'),
    )
    .option('-k <n>', 'tokens a side', wholeNumber, 20)
    .option('--json', 'print a JSON array of the tokens', false)
    .action(top);

  program
    .command('sql')
    .description(
      'ask a finished run with SQL (needs DuckDB): views projections, tokens, eigenvectors, extremes, histograms',
    )
    .argument('<run>', 'output directory of the run')
    .argument('<query>', 'one SELECT')
    .addOption(new Option('--json', 'print a JSON array of the rows').conflicts('csv'))
    .option('--csv', 'print comma-separated values')
    .action(sql);

  program
    .command('generate')
    .description('make a synthetic checkpoint, bfloat16, in the layout of a Hugging Face directory')
    .requiredOption('--rows <n>', 'vocabulary rows V', wholeNumber)
    .requiredOption('--hidden <n>', 'hidden size d', wholeNumber)
    .option('--seed <n>', 'seed of the random numbers', integer, 42)
    .requiredOption('--out <dir>', 'directory to make')
    .addOption(workersOption())
    .option('--quiet', 'no progress', false)
    .action(generate);
  return program;
}

interface RunOptions extends Overrides {
  config?: string;
  resume: boolean;
  overwrite: boolean;
  json: boolean;
  quiet: boolean;
}

async function run(options: RunOptions): Promise<void> {
  const { config: file, resume, overwrite, json, quiet, ...overrides } = options;
  if (resume && overwrite) throw new InputError('--resume and --overwrite exclude each other: give one');
  const packaged = overrides.model === undefined ? PACKAGED_CONFIG : null;
  const config = await loadConfig(file ?? packaged, overrides);
  await withPool(config.workers, quiet, async (executor, progress) => {
    const stopwatch = new Stopwatch(progress);
    const finished = await runJob(
      config,
      { resume, overwrite },
      { executor, stopwatch, note: progress.note },
    );
    if (finished.finishedBefore) progress.note(`${finished.directory}: this run is finished already`);
    const { directory, manifest } = finished;
    print(json ? JSON.stringify({ directory, ...manifest }) : summaryText(directory, manifest));
  });
}

interface VerifyOptions {
  model?: string;
  metric?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function verify(directory: string, { workers, json, quiet, ...places }: VerifyOptions): Promise<void> {
  await withPool(workers ?? configDefaults.workers, quiet, async (executor, progress) => {
    const stopwatch = new Stopwatch(progress);
    const { verification } = await reverify(directory, places, { executor, stopwatch, note: progress.note });
    print(json ? JSON.stringify(verification) : verificationLines(verification).join('\n'));
    refuseFailed(directory, verification.checks);
  });
}

async function inspect(place: string, { json, ...options }: InspectOptions): Promise<void> {
  if (holdsRun(place)) {
    const manifest = readManifest(place);
    print(json ? JSON.stringify(manifest) : inspectionText(place, manifest));
  } else {
    const model = await inspectModel(place, options);
    print(json ? JSON.stringify(model) : modelText(model));
  }
}

interface InspectOptions {
  tensor?: string;
  json: boolean;
}

/** @throws InputError for a directory that holds neither a run nor a checkpoint */
function holdsRun(place: string): boolean {
  const has = (name: string) => existsSync(path.join(place, name));
  if (has(MANIFEST_NAME)) return true;
  const isDirectory = statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isDirectory && !has('config.json')) {
    throw new InputError(
      `${place}: holds no finished run (no ${MANIFEST_NAME}; an unfinished one is completed by --resume), ` +
        'and no checkpoint (no config.json); give the directory of one',
    );
  }
  return false;
}

async function report(directory: string): Promise<void> {
  print(await renewReport(directory));
}

/** The measures as the command line calls them. */
const measureNames: Readonly<Record<string, Measure>> = {
  projection: 'projection',
  euclidean: 'euclidean_cosine',
  causal: 'causal_cosine',
};

interface TopOptions {
  eigenvector: number;
  side: Side | 'both';
  measure: string;
  k: number;
  json: boolean;
}

async function top(directory: string, options: TopOptions): Promise<void> {
  const request = {
    eigenvector: options.eigenvector,
    sides: options.side === 'both' ? sides : [options.side],
    measure: measureNames[options.measure]!,
    count: options.k,
  };
  const tokens = await topTokens(directory, readManifest(directory), request);
  print(options.json ? JSON.stringify(tokens) : topText(request, tokens));
}

async function sql(
  directory: string,
  query: string,
  { json, csv }: { json?: boolean; csv?: boolean },
): Promise<void> {
  const format = json === true ? 'json' : csv === true ? 'csv' : 'table';
  await querySql(directory, readManifest(directory), query, (result) => printPieces(sqlText(result, format)));
}

interface GenerateOptions {
  rows: number;
  hidden: number;
  seed: number;
  out: string;
  workers?: number;
  quiet: boolean;
}

async function generate({ rows, hidden, seed, out, workers, quiet }: GenerateOptions): Promise<void> {
  const recipe = { rows, hidden, seed };
  if (await isGenerated(out, recipe)) {
    print(`${out}: holds this checkpoint already`);
    return;
  }
  await withPool(workers ?? configDefaults.workers, quiet, async (executor, progress) => {
    const stopwatch = new Stopwatch(progress);
    await stopwatch.time('generate', rows, (advance) => generateCheckpoint(executor, out, recipe, advance));
  });
  print(`${out}: ${rows} x ${hidden}, bfloat16, seed ${seed}`);
}

/** Runs `work` on a pool of worker threads that Ctrl-C stops. */
async function withPool(
  workers: number,
  quiet: boolean,
  work: (executor: Executor, progress: Progress) => Promise<void>,
): Promise<void> {
  const progress = createProgress(process.stderr, quiet);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const executor = new ThreadExecutor({ workers, signal: interruption.signal, onRetry: progress.note });
  try {
    await work(executor, progress);
  } catch (error) {
    throw interruption.signal.aborted ? new EigenshardError('interrupted', 'interrupted') : error;
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
    await executor.close();
  }
}

/** Says what went wrong on stderr; returns the exit code. */
function exitCodeOf(error: unknown): number {
  // Commander has printed its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.input;
  if (!(error instanceof EigenshardError)) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return exitCodes.run;
  }
  process.stderr.write(`eigenshard: ${error.message}${advice[error.kind]}\n`);
  return exitCodes[error.kind];
}

/** What to do next, where the message itself does not say it. */
const advice: Readonly<Record<ErrorKind, string>> = {
  input: '',
  verification: '',
  interrupted: '. Run the same command with --resume to continue',
  run: '\nWhat was finished is kept: run the same command with --resume to continue',
  'worker-died': '\nWhat was finished is kept: run the same command with --resume to continue',
};

/** Prints a text of any length; that its reader leaves early is no failure. */
async function printPieces(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(pieces, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function workersOption(): Option {
  return new Option('--workers <n>', 'worker threads')
    .argParser(wholeNumber)
    .default(undefined, `the cores available, ${configDefaults.workers} here`);
}

function wholeNumber(text: string): number {
  const value = integer(text);
  if (value < 1) throw new InvalidArgumentError('It must be 1 or more.');
  return value;
}

function integer(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('It must be a whole number.');
  }
  return Number(text);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0) || value === Number.POSITIVE_INFINITY) {
    throw new InvalidArgumentError('It must be a number from 0.');
  }
  return value;
}

function exportList(text: string): ExportKind[] {
  return text.split(',').map((kind) => {
    const found = exportKinds.find((known) => known === kind.trim());
    if (found === undefined) throw new InvalidArgumentError(`Allowed are ${exportKinds.join(', ')}.`);
    return found;
  });
}
