import path from 'node:path';
import type { Command } from 'commander';
import { shownFigures } from '../checks/verdict.js';
import type { StepRecord } from '../output/series-folder.js';
import type { ComparedSeries } from '../run/compare-series.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, counted, figure, fixed, formatBytes } from '../text/figures.js';
import { textTable } from '../text/text-table.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { needs, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

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

function seriesText({ directory, series: { steps, rows, hidden, checks, files } }: ComparedSeries): string {
  return [
    `${directory}: a series of ${counted(steps.length, 'step')}, ${count(rows)} x ${count(hidden)}`,
    '',
    ...textTable(
      [
        { name: 'step', align: 'right' },
        { name: 'run', align: 'left' },
        ...[
          'lambda min',
          'lambda max',
          'norm',
          'moved by',
          'from first',
          'CKA before',
          'CKA first',
          'coherence',
        ].map((name) => ({ name, align: 'right' }) as const),
      ],
      steps.map(cellsOf),
    ),
    '',
    alignedRows(
      checks.map((check) => {
        const shown = shownFigures(check)!;
        const { name, verdict } = check;
        return [`  ${name}`, verdict, `${figure(shown.measured)} (tolerance ${figure(shown.tolerance)})`];
      }),
    ),
    alignedRows(files.map(({ path: file, bytes }) => [`  ${file}`, formatBytes(bytes)])),
  ].join('\n');
}

function cellsOf({ run, eigenvalues, norms, fromBefore, fromFirst }: StepRecord, step: number): string[] {
  const known = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : fixed(value);
  return [
    String(step),
    path.basename(run.directory),
    ...[
      eigenvalues.minimum,
      eigenvalues.maximum,
      norms.mean,
      fromBefore?.displacement.norm.mean,
      fromFirst.displacement.norm.mean,
      fromBefore?.linearCka?.value,
      fromFirst.linearCka?.value,
      fromBefore?.coherence?.length,
    ].map(known),
  ];
}
