import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { InputError } from '../errors.js';
import { headRowChoices } from '../input/head-rows.js';
import { rowSelections } from '../input/vocabulary-rows.js';
import { backendNames } from '../linalg/backend/backend.js';
import { partitionFormats } from '../plan/plan-run.js';
import { refuseFullRun } from '../run/admit-run.js';
import { withContext } from '../run/caller.js';
import {
  type Config,
  configDefaults,
  DEFAULT_RIDGE,
  loadConfig,
  type Overrides,
  tableChoices,
} from '../run/config.js';
import { forecastRun } from '../run/forecast-run.js';
import type { ProgressEvent } from '../run/progress.js';
import { run } from '../run/run.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { forecastText } from './forecast-text.js';
import { interruptible } from './interruptible.js';
import { exportList, number, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { summaryText } from './run-text.js';

const PACKAGED_CONFIG = fileURLToPath(new URL('../../../config/default.json', import.meta.url));

/** Adds `run`, the command of a command line that names none. */
export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('compute a run (the default command)')
    .optionsGroup('Input:')
    .option('--config <file>', 'configuration file; without it and --model, the packaged synthetic example')
    .option(
      '--model <model>',
      'Hugging Face directory, .safetensors, .bin (torch.save) or .npy file, or owner/name[@revision] on the hub',
    )
    .option('--name <name>', 'of the model, in all files (default: that of the checkpoint)')
    .option('--tensor <name>', 'tensor to use, where the right one is not found by itself')
    .addOption(
      new Option('--rows <rows>', `of the tensor (default: ${configDefaults.rows})`).choices(rowSelections),
    )
    .addOption(
      new Option(
        '--head-rows <rows>',
        'of a head that the model normalises (default: normalised where it does)',
      ).choices(headRowChoices),
    )
    .optionsGroup('Metric:')
    .option('--metric <file>', 'metric M (.pt, .safetensors, .npy); without it M is computed')
    .option('--ridge <x>', `ridge rho of a computed metric (default: ${DEFAULT_RIDGE})`, number)
    .optionsGroup('Output:')
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
    // Named too, so that a configuration's own choice stands where the command line is silent.
    .addOption(new Option('--report', 'write report.html beside the tables (the default)').hideHelp())
    .option('--no-report', 'write no report.html')
    .optionsGroup('Computation:')
    .addOption(workersOption())
    .addOption(
      new Option(
        '--backend <backend>',
        `what multiplies and decomposes (default: ${configDefaults.backend})`,
      ).choices(backendNames),
    )
    .option('--blas <path>', 'system BLAS and LAPACK to use, where the right one is not found by itself')
    .optionsGroup('A run that lies there:')
    .option('--resume', 'continue an interrupted run; make again what is damaged of a finished one', false)
    .option(
      '--checksums',
      'with --resume: compare every file of a finished run, not only changed ones',
      false,
    )
    .option('--overwrite', 'replace a run that is there already', false)
    .optionsGroup('Options:')
    .option('--dry-run', 'show what the run would do and need, and stop there', false)
    .option('--json', 'print one JSON object on stdout at the end', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        '--model path/to/checkpoint --out runs/mine',
        '--model path/to/checkpoint --metric metric.pt --export npy',
        '--model Qwen/Qwen3-4B-Instruct-2507 --workers 16',
        '--config config/default.json --resume',
      ),
    )
    .action(runCommand);
}

interface RunOptions extends Overrides {
  config?: string;
  resume: boolean;
  checksums: boolean;
  overwrite: boolean;
  dryRun: boolean;
  json: boolean;
  quiet: boolean;
}

async function runCommand(options: RunOptions): Promise<void> {
  const { config: file, resume, checksums, overwrite, dryRun, json, quiet, ...overrides } = options;
  if (resume && overwrite) throw new InputError('--resume and --overwrite exclude each other: give one');
  if (checksums && !resume)
    throw new InputError(
      '--checksums compares the files of a run that --resume finds finished: give both, or `verify` the run',
    );
  const packaged = overrides.model === undefined ? PACKAGED_CONFIG : null;
  const config = await loadConfig(file ?? packaged, overrides);
  const onProgress = showProgress(process.stderr, quiet);
  if (dryRun) {
    await showForecast(config, overwrite, { json, onProgress });
    return;
  }
  const { directory, manifest, finishedBefore } = await interruptible((signal) =>
    // The time of a run on the command line begins with the process.
    run(config, { resume, checksums, overwrite, signal, onProgress, startedAt: 0 }),
  );
  print(
    json
      ? answerJson({ directory, ...manifest })
      : screenText(summaryText(directory, manifest, finishedBefore)),
  );
}

/** Prints what a run would do. @throws InputError where the disk cannot take it */
async function showForecast(
  config: Config,
  overwrite: boolean,
  { json, onProgress }: { json: boolean; onProgress: (event: ProgressEvent) => void },
): Promise<void> {
  const forecast = await interruptible((signal) =>
    withContext(config.workers, { signal, onProgress, startedAt: 0 }, (context) =>
      forecastRun(config, { overwrite }, context),
    ),
  );
  print(json ? answerJson(forecast) : screenText(forecastText(forecast)));
  if (forecast.state.is !== 'finished' || overwrite) refuseFullRun(forecast.disks);
}
