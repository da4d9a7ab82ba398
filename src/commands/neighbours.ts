import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';
import { shareOf } from '../executor/array-index.js';
import type { NormRule } from '../input/norm/norm-rules.js';
import { type BackendName, backendNames } from '../linalg/backend/backend.js';
import type { VectorKind, VectorSpace } from '../plan/vector-kind.js';
import type { RunWithNeighbours } from '../run/find-neighbours.js';
import type { NeighbourOptions } from '../run/neighbour-options.js';
import { MOST_NEIGHBOURS, type NeighbourMeasure, neighbourMeasures } from '../tables/neighbour-measures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { refuseIdle } from './idle-options.js';
import { interruptible } from './interruptible.js';
import { nearestText, nearestToVectorsText, neighboursText, sharedText } from './neighbours-text.js';
import { normModelOption, normRuleOption, rowRange, wholeNumberUpTo, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `neighbours`. */
export function addNeighboursCommand(program: Command): void {
  program
    .command('neighbours')
    .description('find the exact nearest neighbours of all tokens of a run, of some, or of vectors')
    .argument('<run>', 'output directory of the run')
    .option('-k, --k <n>', 'neighbours of each, at most 1,000', wholeNumberUpTo(MOST_NEIGHBOURS), 20)
    .option(
      '--measure <list>',
      `${neighbourMeasures.join(', ')}, separated by commas (default: ${neighbourMeasures[0]})`,
      measureList,
    )
    .option('--index <i>', 'number of this process, from 0 (default: as its scheduler says)')
    .option('--of <n>', 'number of processes that share the search')
    .option('--atlas <file>', 'also write the lists for embedding-atlas, as .json or .jsonl')
    .option('--overwrite', 'replace the neighbours that the run has, where others were asked for', false)
    .option(
      '--token <token>',
      'only of a token, by its id, or by a text, of which all spellings are found; repeatable; nothing is written',
      gathered,
    )
    .option('--text', 'take digits for a text, not for an id', false)
    .option('--ids <file>', 'only of the tokens whose numbers stand in a file; nothing is written')
    .option('--vectors <file>', 'of the vectors in a .npy, .safetensors or .pt file; nothing is written')
    .option('--kind <kind>', 'what these are: token (compared with rows) or hidden (multiplied with rows)')
    .option('--space <space>', 'where hidden-like ones lie: normed (behind the final norm) or residual')
    .option('--centre', 'token-like ones are rows themselves: the mean row is taken off them as well')
    .option('--tensor <name>', 'of the file, where several fit')
    .option('--rows <from:to>', 'vectors of the file, without the last one (default: all)', rowRange)
    .option('--transpose', 'the vectors are the columns, where a square shape does not tell')
    .option('--no-transpose', 'the vectors are the rows, where a square shape does not tell')
    .addOption(normModelOption())
    .addOption(normRuleOption())
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
        'neighbours runs/mine --token " the" --token 1234',
        'neighbours runs/mine --vectors concepts.npy --kind token',
      ),
    )
    .action(neighboursCommand);
}

/** Options that are about vectors alone. */
interface VectorOptions {
  kind?: VectorKind;
  space?: VectorSpace;
  centre?: boolean;
  tensor?: string;
  rows?: { from: number; to: number | null };
  transpose?: boolean;
  model?: string;
  normRule?: NormRule;
}

interface NeighboursCommandOptions extends VectorOptions {
  k: number;
  measure?: NeighbourMeasure[];
  index?: string;
  of?: string;
  atlas?: string;
  overwrite: boolean;
  token?: string[];
  text: boolean;
  ids?: string;
  vectors?: string;
  backend: BackendName;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

type Request = Required<Pick<NeighbourOptions, 'k' | 'measures' | 'backend' | 'workers'>>;

async function neighboursCommand(
  directory: string,
  options: NeighboursCommandOptions,
  command: Command,
): Promise<void> {
  const { k, measure: measures, backend, workers, token, ids, vectors } = options;
  refuseOthers(command, options);
  const request = { k, measures, backend, workers };
  if (vectors !== undefined) await printNearestToVectors(directory, vectors, request, options);
  else if (token !== undefined || ids !== undefined) await printNearest(directory, request, options);
  else await addNeighbours(directory, request, options);
}

/** Options that are about the neighbours of all tokens, of tokens that are named, and of vectors. */
const ofAll = ['atlas', 'index', 'of', 'overwrite'];
const ofNamed = ['text'];
const ofVectors = ['kind', 'space', 'centre', 'tensor', 'rows', 'transpose', 'model', 'normRule'];

/** @throws InputError where options do not go together */
function refuseOthers(command: Command, { token, ids, vectors }: NeighboursCommandOptions): void {
  if (vectors !== undefined)
    refuseIdle(
      command,
      ['token', 'ids'],
      () => '--vectors asks for the neighbours of vectors: leave --token and --ids away',
    );
  else
    refuseIdle(
      command,
      ofVectors,
      (flag) => `${flag} says something of vectors: give their file with --vectors`,
    );
  const asked =
    vectors !== undefined
      ? '--vectors'
      : token !== undefined
        ? '--token'
        : ids !== undefined
          ? '--ids'
          : null;
  if (asked !== null)
    refuseIdle(
      command,
      ofAll,
      (flag) => `${flag} is for the neighbours of all tokens: leave ${flag} or ${asked} away`,
    );
  if (token === undefined)
    refuseIdle(command, ofNamed, (flag) => `${flag} says what --token names: give --token, or leave it away`);
}

/** Finds the neighbours of some tokens, and prints them. */
async function printNearest(
  directory: string,
  request: Request,
  { token = [], text: isText, ids, json, quiet }: NeighboursCommandOptions,
): Promise<void> {
  const [{ readManifest }, { tokensSpelling }, { tokenTexts }, { nearestTokens }] = await Promise.all([
    import('../output/manifest.js'),
    import('../queries/token.js'),
    import('../queries/token-texts.js'),
    import('../run/nearest-tokens.js'),
  ]);
  const manifest = readManifest(directory);
  const isId = (text: string) => !isText && /^\d+$/.test(text);
  const tokens = token.filter(isId).map(Number);
  const texts = token.filter((text) => !isId(text));
  if (texts.length > 0) tokens.push(...(await tokensSpelling({ directory, manifest }, texts)));
  if (ids !== undefined) tokens.push(...(await idsIn(ids)));
  const onProgress = showProgress(process.stderr, quiet);
  const found = await interruptible((signal) =>
    nearestTokens(directory, tokens, { ...request, signal, onProgress }),
  );
  print(json ? answerJson(found) : screenText(nearestText(found, await tokenTexts(directory, manifest))));
}

/** Finds the tokens nearest to vectors, and prints them. */
async function printNearestToVectors(
  directory: string,
  file: string,
  request: Request,
  options: NeighboursCommandOptions,
): Promise<void> {
  const { kind, space, centre, tensor, rows, transpose, model, normRule, json, quiet } = options;
  const [{ readManifest }, { tokenTexts }, { nearestToVectors }] = await Promise.all([
    import('../output/manifest.js'),
    import('../queries/token-texts.js'),
    import('../run/nearest-to-vectors.js'),
  ]);
  // Without a kind it says which there are.
  const about = { kind: kind as VectorKind, space, centre, tensor, rows, transpose, model, normRule };
  const onProgress = showProgress(process.stderr, quiet);
  const found = await interruptible((signal) =>
    nearestToVectors(directory, file, { ...request, ...about, signal, onProgress }),
  );
  if (json) {
    print(answerJson(found));
    return;
  }
  const texts = await tokenTexts(directory, readManifest(directory));
  print(screenText(nearestToVectorsText(found, texts)));
}

/** Finds the neighbours of all tokens, or this process's share of them, and prints what they come to. */
async function addNeighbours(
  directory: string,
  request: Request,
  { index, of, atlas, overwrite, json, quiet }: NeighboursCommandOptions,
): Promise<void> {
  const share = shareOf({ index, of }, process.env);
  if (atlas !== undefined) {
    const { refuseAtlas } = await import('../queries/write-atlas.js');
    refuseAtlas(atlas);
  }
  const onProgress = showProgress(process.stderr, quiet);
  if (share === null) {
    const { findNeighbours } = await import('../run/find-neighbours.js');
    const found = await interruptible((signal) =>
      findNeighbours(directory, { ...request, overwrite, signal, onProgress }),
    );
    await tellNeighbours(found, { atlas, json });
    return;
  }
  const { shareNeighbours } = await import('../run/share-neighbours.js');
  const shared = await interruptible((signal) =>
    shareNeighbours(directory, share, { ...request, overwrite, signal, onProgress }),
  );
  if (shared.finished !== null) await tellNeighbours(shared.finished, { atlas, json });
  else print(json ? answerJson({ ...shared, share }) : screenText(sharedText(shared)));
}

/** Prints what the neighbours of all tokens come to, and writes them for embedding-atlas where that is asked for. */
async function tellNeighbours(
  found: RunWithNeighbours,
  { atlas, json }: { atlas: string | undefined; json: boolean },
): Promise<void> {
  const [{ readKnots }, { tokenTexts }, { listKnots }] = await Promise.all([
    import('../output/neighbours-file.js'),
    import('../queries/token-texts.js'),
    import('../tables/knots.js'),
  ]);
  const { directory, manifest, isNew } = found;
  const neighbours = manifest.neighbours!;
  if (atlas !== undefined) {
    const { writeAtlas } = await import('../queries/write-atlas.js');
    await writeAtlas(atlas, directory, manifest, neighbours.measures[0]!);
  }
  const knots = listKnots(Int32Array.from(await readKnots(directory, manifest), (knot) => knot ?? -1));
  if (json) {
    print(answerJson({ directory, isNew, ...neighbours, knots }));
    return;
  }
  print(screenText(neighboursText(found, knots, await tokenTexts(directory, manifest))));
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
