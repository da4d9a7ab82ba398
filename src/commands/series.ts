import type { Command } from 'commander';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { needs, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { seriesText } from './series-text.js';

/** Adds `series`. */
export function addSeriesCommand(program: Command): void {
  program
    .command('series')
    .description(
      'compare the runs of a training series in their order, each with the one before and the first',
    )
    .argument(
      '<runs...>',
      'output directories of the runs; or the folder of a batch, its summary, or a text file with a directory a line',
    )
    .option('--out <dir>', 'where the series goes; must not be there yet')
    .option('--overwrite', 'replace the series in the folder', false)
    .addOption(workersOption())
    .option('--json', 'print the record as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        'series runs/series --out runs/steps',
        'series runs/1000 runs/2000 runs/4000 --out runs/steps',
      ),
    )
    .hook('preAction', needs('out'))
    .action(series);
}

interface SeriesOptions {
  out: string;
  overwrite: boolean;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function series(given: string[], { json, quiet, ...options }: SeriesOptions): Promise<void> {
  const onProgress = showProgress(process.stderr, quiet);
  const [{ seriesRuns }, { compareSeries }] = await Promise.all([
    import('../batch/series-runs.js'),
    import('../run/compare-series.js'),
  ]);
  const runs = await seriesRuns(given);
  const compared = await interruptible((signal) => compareSeries(runs, { ...options, signal, onProgress }));
  print(
    json
      ? answerJson({ directory: compared.directory, ...compared.series })
      : screenText(seriesText(compared)),
  );
}
