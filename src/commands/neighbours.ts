import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';
import { type BackendName, backendNames } from '../linalg/backend/backend.js';
import type { NeighbourOptions } from '../run/find-neighbours.js';
import { type NeighbourMeasure, neighbourMeasures } from '../tables/neighbour-measures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { nearestText, neighboursText } from './neighbours-text.js';
import { wholeNumber, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `neighbours`. */
export function addNeighboursCommand(program: Command): void {
  program
    .command('neighbours')
    .description('find the exact nearest neighbours of all tokens of a run, or of some')
    .argument('<run>', 'output directory of the run')
    .option('-k, --k <n>', 'neighbours of each token', wholeNumber, 20)
    .option(
      '--measure <list>',
      `${neighbourMeasures.join(', ')}, separated by commas (default: ${neighbourMeasures[0]})`,
      measureList,
    )
    .option(
      '--token <text>',
      'only of the tokens that spell a text; repeatable; nothing is written',
      gathered,
    )
    .option('--ids <file>', 'only of the tokens whose numbers stand in a file; nothing is written')
    .option('--atlas <file>', 'also write the lists for embedding-atlas, as .json or .jsonl')
    .addOption(
      new Option('--backend <name>', 'what multiplies; the answer does not depend on it')
        .choices(backendNames)
        .default('auto'),
    )
    .addOption(workersOption())
    .option('--json', 'print what was found as JSON on stdout', false)
    .option('--quiet', 'no progress', false)
    .addHelpText(
      'after',
      exampleText(
        'neighbours runs/mine',
        'neighbours runs/mine -k 50 --measure causal_cosine,cosine',
        'neighbours runs/mine --token " the" --token " The"',
      ),
    )
    .action(neighboursCommand);
}

interface NeighboursCommandOptions {
  k: number;
  measure?: NeighbourMeasure[];
  token?: string[];
  ids?: string;
  atlas?: string;
  backend: BackendName;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function neighboursCommand(directory: string, options: NeighboursCommandOptions): Promise<void> {
  const { k, measure: measures, backend, workers, token, ids, atlas } = options;
  const isOfSome = token !== undefined || ids !== undefined;
  if (isOfSome && atlas !== undefined)
    throw new InputError('--atlas is for the neighbours of all tokens: leave --token and --ids away');
  const request = { k, measures, backend, workers };
  if (isOfSome) await printNearest(directory, request, options);
  else await addNeighbours(directory, request, options);
}

type Request = Required<Pick<NeighbourOptions, 'k' | 'measures' | 'backend' | 'workers'>>;

/** Finds the neighbours of some tokens, and prints them. */
async function printNearest(
  directory: string,
  request: Request,
  { token = [], ids, json, quiet }: NeighboursCommandOptions,
): Promise<void> {
  const [{ readManifest }, { withoutTables }, { spelled }, { tokenTexts }, { nearestTokens }] =
    await Promise.all([
      import('../output/manifest.js'),
      import('../output/open-table.js'),
      import('../queries/token.js'),
      import('../queries/token-texts.js'),
      import('../run/find-neighbours.js'),
    ]);
  const manifest = readManifest(directory);
  const texts = await tokenTexts(directory, manifest);
  const tokens = token.flatMap((text) => {
    if (texts === null) throw withoutTables(directory);
    return spelled(directory, texts, text).map(({ id }) => id);
  });
  if (ids !== undefined) tokens.push(...(await idsIn(ids)));
  const onProgress = showProgress(process.stderr, quiet);
  const found = await interruptible((signal) =>
    nearestTokens(directory, tokens, { ...request, signal, onProgress }),
  );
  print(json ? answerJson(found) : screenText(nearestText(found, texts)));
}

/** Finds the neighbours of all tokens, adds them to the run, and prints what they come to. */
async function addNeighbours(
  directory: string,
  request: Request,
  { atlas, json, quiet }: NeighboursCommandOptions,
): Promise<void> {
  const [{ findNeighbours }, { readKnots }, { refuseAtlas, writeAtlas }, { tokenTexts }, { listKnots }] =
    await Promise.all([
      import('../run/find-neighbours.js'),
      import('../output/neighbours-file.js'),
      import('../queries/write-atlas.js'),
      import('../queries/token-texts.js'),
      import('../tables/knots.js'),
    ]);
  if (atlas !== undefined) refuseAtlas(atlas);
  const onProgress = showProgress(process.stderr, quiet);
  const found = await interruptible((signal) =>
    findNeighbours(directory, { ...request, signal, onProgress }),
  );
  const { manifest, isNew } = found;
  const neighbours = manifest.neighbours!;
  if (atlas !== undefined) await writeAtlas(atlas, found.directory, manifest, neighbours.measures[0]!);
  const knots = listKnots(Int32Array.from(await readKnots(found.directory, manifest), (knot) => knot ?? -1));
  if (json) {
    print(answerJson({ directory: found.directory, isNew, ...neighbours, knots }));
    return;
  }
  const texts = await tokenTexts(directory, manifest);
  print(screenText(neighboursText(found, knots, texts)));
}

/** The numbers of tokens that stand in a file. */
async function idsIn(file: string): Promise<number[]> {
  const { readText } = await import('../files/read-text.js');
  const words = (await readText(file, 'the numbers of tokens')).split(/[\s,]+/).filter((word) => word !== '');
  const wrong = words.find((word) => !/^\d{1,15}$/.test(word));
  if (wrong !== undefined)
    throw new InputError(
      `${file}: expected numbers of tokens, separated by spaces, commas or lines; came "${wrong.slice(0, 40)}"`,
    );
  if (words.length === 0) throw new InputError(`${file}: holds no numbers of tokens`);
  return words.map(Number);
}

function measureList(text: string, before: NeighbourMeasure[] = []): NeighbourMeasure[] {
  const named = text.split(',').map((name) => {
    const found = neighbourMeasures.find((known) => known === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`Allowed are ${neighbourMeasures.join(', ')}.`);
    return found;
  });
  return [...new Set([...before, ...named])];
}

function gathered(text: string, before: string[] = []): string[] {
  return [...before, text];
}
