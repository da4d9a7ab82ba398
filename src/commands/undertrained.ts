import { type Command, Option } from 'commander';
import { type IndicatorColumn, indicatorColumns, MOST_LISTED } from '../tables/undertrained-table.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { wholeNumberUpTo, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { undertrainedText } from './undertrained-text.js';

/** Adds `undertrained`. */
export function addUndertrainedCommand(program: Command): void {
  program
    .command('undertrained')
    .description('measure indicators of undertrained tokens, and which no text can reach')
    .argument('<run>', 'output directory of the run')
    .option(
      '--reference <ids>',
      'undertrained tokens, as 1,2,5:9, or a file of ids (default: orphans, and the largest knot)',
    )
    .option('--name <name>', 'of the folder in RUN/undertrained', 'default')
    .addOption(
      new Option(
        '--by <column>',
        'what the list is sorted by (default: input_norm, or the first indicator that is known)',
      ).choices(indicatorColumns),
    )
    .option('-k <n>', 'tokens in the list, at most 10,000', wholeNumberUpTo(MOST_LISTED), 20)
    .option('--model <model>', 'checkpoint, where it is no longer where the run recorded it')
    .option('--overwrite', 'replace the indicators of this name', false)
    .addOption(workersOption())
    .option('--json', 'print the record and the list as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        'undertrained runs/mine',
        'undertrained runs/mine --reference 177:200 --by indicator_c -k 50',
      ),
    )
    .action(undertrained);
}

interface UndertrainedFlags {
  reference?: string;
  name: string;
  by?: IndicatorColumn;
  k: number;
  model?: string;
  overwrite: boolean;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function undertrained(
  directory: string,
  { json, quiet, reference, k, ...options }: UndertrainedFlags,
): Promise<void> {
  const onProgress = showProgress(process.stderr, quiet);
  const [{ undertrainedTokens }, { readReferenceTokens }] = await Promise.all([
    import('../run/undertrained-tokens.js'),
    import('../input/reference-tokens.js'),
  ]);
  const ids = reference === undefined ? undefined : await readReferenceTokens(reference);
  const found = await interruptible((signal) =>
    undertrainedTokens(directory, { ...options, top: k, reference: ids, signal, onProgress }),
  );
  const { manifest, ...rest } = found;
  print(json ? answerJson({ ...manifest, ...rest }) : screenText(undertrainedText(found)));
}
