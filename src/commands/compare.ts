import { type Command, Option } from 'commander';
import { shownFigures } from '../checks/verdict.js';
import { comparisonFacts, figureNames } from '../report/comparison/facts.js';
import { madeDifferently, namesOf } from '../report/comparison/made-with.js';
import type { ComparedRuns } from '../run/compare-runs.js';
import { type Alignment, alignmentKinds } from '../tables/align-vocabularies.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, figure, formatBytes } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
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

function comparedText({ directory, comparison }: ComparedRuns): string {
  const { a, b, tokens, unknown, checks, files } = comparison;
  const names = namesOf(a, b);
  const alone = [
    tokens.onlyA > 0 ? `, ${count(tokens.onlyA)} of the first alone` : '',
    tokens.onlyB > 0 ? `, ${count(tokens.onlyB)} of the second alone` : '',
  ];
  return [
    `${directory}: ${names.a} (${count(a.rows)} x ${count(a.hidden)}) and ${names.b} (${count(b.rows)} x ${count(b.hidden)})`,
    `  ${count(tokens.shared)} tokens matched by ${tokens.by}${alone.join('')}`,
    alignedRows(
      [...madeDifferently(a, b), ...comparisonFacts(comparison)].map(([name, value]) => [`  ${name}`, value]),
    ),
    ...Object.entries(unknown).map(
      ([name, reason]) => `  ${figureNames[name as keyof typeof figureNames]}: not known: ${reason}`,
    ),
    alignedRows(
      checks.map((check) => {
        const shown = shownFigures(check);
        const { name, verdict, detail = '' } = check;
        return [
          `  ${name}`,
          verdict,
          shown === null ? detail : `${figure(shown.measured)} (tolerance ${figure(shown.tolerance)})`,
        ];
      }),
    ),
    alignedRows(files.map(({ path, bytes }) => [`  ${path}`, formatBytes(bytes)])),
  ].join('\n');
}
