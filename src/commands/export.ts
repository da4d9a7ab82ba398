import { type Command, Option } from 'commander';
import { InputError } from '../errors.js';
import { type ExportKind, exportKinds } from '../output/export-kinds.js';
import { configDefaults } from '../run/config.js';
import type { ExtendedRun } from '../run/extend-run.js';
import { alignedRows } from '../text/aligned-rows.js';
import { formatBytes } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { exportList, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `export`. */
export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('add exports or tables to a finished run, from its own files')
    .argument('<run>', 'output directory of the run')
    .option('--export <list>', 'pt, safetensors and/or npy, separated by commas', exportList)
    .addOption(
      new Option(
        '--tables <tables>',
        'of tokens, eigenvectors, extremes, histograms, and their report',
      ).choices(['all']),
    )
    .option(
      '--top <k>',
      `tables with so many tokens in each list of extremes (default: as the run has, or ${configDefaults.top})`,
      wholeNumber,
    )
    .option(
      '--model <model>',
      'for tables: the checkpoint, where it is no longer at the place that the run recorded',
    )
    .addOption(workersOption())
    .option('--json', 'print what was made, and the manifest, as one JSON object on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('export runs/mine --export npy,pt', 'export runs/mine --top 100'))
    .action(exportCommand);
}

interface ExportCommandOptions {
  export?: ExportKind[];
  tables?: 'all';
  top?: number;
  model?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function exportCommand(directory: string, options: ExportCommandOptions): Promise<void> {
  const { export: exports, json, quiet, ...rest } = options;
  if (exports === undefined && rest.tables === undefined && rest.top === undefined)
    throw new InputError(
      `${directory}: ask for something to be added: --export ${exportKinds.join(',')}, --tables all or --top K`,
    );
  const onProgress = showProgress(process.stderr, quiet);
  const { exportRun } = await import('../run/export-run.js');
  const extended = await interruptible((signal) =>
    exportRun(directory, { ...rest, exports, signal, onProgress }),
  );
  const { manifest, ...found } = extended;
  print(json ? answerJson({ ...found, ...manifest }) : screenText(extendedText(extended)));
}

function extendedText({ directory, manifest, made, intact }: ExtendedRun): string {
  const { exports, tables, report } = manifest;
  const files = [...exports, ...(tables?.files ?? []), ...(report === null ? [] : [report])];
  const rows = files.flatMap(({ path, bytes }) => {
    const what = made.includes(path) ? 'made' : intact.includes(path) ? 'was there, intact' : null;
    return what === null ? [] : [[`  ${path}`, formatBytes(bytes), what]];
  });
  return [directory, alignedRows(rows)].join('\n');
}
