import { type Command, Option } from 'commander';
import { type Measure, measures, type Side, sides } from '../tables/measures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { indexFromEitherEnd, needs, wholeNumber } from './options.js';
import { print } from './print.js';
import { topText } from './top-text.js';

/** The measures, as the tables call them, and shorter. */
const measureNames: Readonly<Record<string, Measure>> = {
  ...Object.fromEntries(measures.map((measure) => [measure, measure])),
  euclidean: 'euclidean_cosine',
  causal: 'causal_cosine',
};

/** Adds `top`. */
export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('show the tokens that lie farthest along an eigenvector')
    .argument('<run>', 'output directory of the run')
    .option(
      '-e, --eigenvector <index>',
      'its index, ascending lambda; from the end below 0, or last',
      indexFromEitherEnd,
    )
    .addOption(
      new Option('--side <side>', 'of the eigenvector, whose sign is arbitrary')
        .choices([...sides, 'both'])
        .default('both'),
    )
    .addOption(
      new Option('--measure <measure>', 'what makes a token far')
        .choices(Object.keys(measureNames))
        .default('causal_cosine'),
    )
    .option('-k <n>', 'tokens a side', wholeNumber, 20)
    .option('--json', 'print a JSON array of the tokens', false)
    .addHelpText(
      'after',
      exampleText(
        'top runs/mine --eigenvector 0',
        'top runs/mine -e last --side + -k 5',
        'top runs/mine -e -2 --measure projection --json',
      ),
    )
    .hook('preAction', needs('eigenvector'))
    .action(top);
}

interface TopOptions {
  eigenvector: number;
  side: Side | 'both';
  measure: string;
  k: number;
  json: boolean;
}

async function top(directory: string, options: TopOptions): Promise<void> {
  const [{ readManifest }, { eigenvectorIndex, topTokens }] = await Promise.all([
    import('../output/manifest.js'),
    import('../queries/top.js'),
  ]);
  const manifest = readManifest(directory);
  const request = {
    eigenvector: eigenvectorIndex(directory, manifest, options.eigenvector),
    sides: options.side === 'both' ? sides : [options.side],
    measure: measureNames[options.measure]!,
    count: options.k,
  };
  const tokens = await topTokens(directory, manifest, request);
  print(options.json ? answerJson(tokens) : screenText(topText(request, tokens)));
}
