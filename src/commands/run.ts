import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { type Config, loadConfig, type Overrides } from '../run/config.js';
import type { ProgressEvent } from '../run/progress.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { forecastText } from './forecast-text.js';
import { interruptible } from './interruptible.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { addRunOptions, PACKAGED_CONFIG, refuseIdleTables } from './run-options.js';
import { summaryText } from './run-text.js';

/** Adds `run`, the command of a command line that names none. */
export function addRunCommand(program: Command): void {
  addRunOptions(program.command('run').description('compute a run (the default command)'))
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

async function runCommand(options: RunOptions, command: Command): Promise<void> {
  const { config: file, resume, checksums, overwrite, dryRun, json, quiet, ...overrides } = options;
  if (resume && overwrite) throw new InputError('--resume and --overwrite exclude each other: give one');
  if (checksums && !resume)
    throw new InputError(
      '--checksums compares the files of a run that --resume finds finished: give both, or `verify` the run',
    );
  const packaged = overrides.model === undefined ? PACKAGED_CONFIG : null;
  const config = await loadConfig(file ?? packaged, overrides);
  refuseIdleTables(command, config);
  const onProgress = showProgress(process.stderr, quiet);
  if (dryRun) {
    await showForecast(config, overwrite, { json, onProgress });
    return;
  }
  const { run } = await import('../run/run.js');
  const { directory, manifest, finishedBefore, took } = await interruptible((signal) =>
    // The time of a run on the command line begins with the process.
    run(config, { resume, checksums, overwrite, signal, onProgress, startedAt: 0 }),
  );
  const shown = finishedBefore ? manifest : { ...manifest, execution: { ...manifest.execution, ...took } };
  print(
    json ? answerJson({ directory, ...manifest }) : screenText(summaryText(directory, shown, finishedBefore)),
  );
}

/** Prints what a run would do. @throws InputError where the disk cannot take it */
async function showForecast(
  config: Config,
  overwrite: boolean,
  { json, onProgress }: { json: boolean; onProgress: (event: ProgressEvent) => void },
): Promise<void> {
  const [{ refuseFullRun }, { withContext }, { forecastRun }] = await Promise.all([
    import('../run/admit-run.js'),
    import('../run/caller.js'),
    import('../run/forecast-run.js'),
  ]);
  const forecast = await interruptible((signal) =>
    withContext(config.workers, { signal, onProgress, startedAt: 0 }, (context) =>
      forecastRun(config, { overwrite }, context),
    ),
  );
  print(json ? answerJson(forecast) : screenText(forecastText(forecast)));
  if (forecast.state.is !== 'finished' || overwrite) refuseFullRun(forecast.disks);
}
