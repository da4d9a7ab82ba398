import { type Command, Option } from 'commander';
import { type Alignment, alignmentKinds } from '../tables/align-vocabularies.js';
import { answerJson, screenText } from './answer-text.js';
import { comparedText } from './compare-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { integer, needs, wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `compare`. */
export function addCompareCommand(program: Command): void {
  program
    .command('compare')
    .description('compare two runs: what moved, how alike rows and bases are, which neighbours stayed')
    .argument('<run-a>', 'output directory of the first run, whose metric measures displacements')
    .argument('<run-b>', 'output directory of the second run')
    .option('--out <dir>', 'where the comparison goes; must not be there yet')
    .addOption(
      new Option('--align <how>', 'match tokens by id or by text (auto: by id where vocabularies are equal)')
        .choices(alignmentKinds)
        .default('auto'),
    )
    .option('--model-a <model>', 'checkpoint of the first run, if no longer where the run recorded it')
    .option('--model-b <model>', 'checkpoint of the second run, if no longer where the run recorded it')
    .option('--sample <n>', 'tokens whose neighbours are compared, at most 20,000', wholeNumber, 1000)
    .option('-k, --k <n>', 'neighbours of each of them, at most 1,000', wholeNumber, 20)
    .option('--seed <n>', 'of the sample and of the random order', integer, 1)
    .option('--overwrite', 'replace the comparison in the folder', false)
    .addOption(workersOption())
    .option('--json', 'print the record as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('compare runs/base runs/tuned --out runs/base-tuned'))
    .hook('preAction', needs('out'))
    .action(compare);
}

interface CompareOptions {
  out: string;
  align: Alignment;
  modelA?: string;
  modelB?: string;
  sample: number;
  k: number;
  seed: number;
  overwrite: boolean;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function compare(a: string, b: string, options: CompareOptions): Promise<void> {
  const { json, quiet, ...rest } = options;
  const onProgress = showProgress(process.stderr, quiet);
  const { compareRuns } = await import('../run/compare-runs.js');
  const compared = await interruptible((signal) => compareRuns(a, b, { ...rest, signal, onProgress }));
  print(
    json
      ? answerJson({ directory: compared.directory, ...compared.comparison })
      : screenText(comparedText(compared)),
  );
}
