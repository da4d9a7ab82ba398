import { InputError } from '../../errors.js';
import { counted } from '../../text/figures.js';
import type { WeightEntry, Weights } from '../weights/weights.js';
import type { AskedMatrix } from './matrix-side.js';
import {
  type Choice,
  knownNames,
  type Search,
  searchEmbedding,
  searchNamed,
  searchUnembedding,
} from './unembedding.js';

/** The tensors among which one is to be chosen. */
export interface Tensors {
  /** Directory or file, for messages. */
  path: string;
  names: Iterable<string>;
  /** True where the embeddings are said to be tied, null where nothing says it. */
  tied: boolean | null;
  /** The rows that there are to be; null where nothing says it. */
  vocabSize: number | null;
  /** Name of the configuration that says so, for messages. */
  config: string;
  /** Reads what the file holds in which a tensor is said to be. */
  weightsOf(name: string): Promise<Weights>;
}

/** The tensor that was chosen, in the file that holds it. */
export interface ChosenTensor {
  is: 'chosen';
  choice: Choice;
  weights: Weights;
  entry: WeightEntry;
  notes: string[];
}

/**
 * Chooses the unembedding matrix by name, and makes sure that its file holds it. Where embeddings are tied, an index may
 * list a head that was not stored: then the search goes on without it, as it does without a head that has fewer rows than
 * the vocabulary where another has them all.
 *
 * @param asked what the user has said of it
 * @returns the tensor, or why the search ended without one
 * @throws InputError where a file does not hold what its index promises
 */
export async function chooseTensor(
  { path, names, tied, vocabSize, config, weightsOf }: Tensors,
  asked: AskedMatrix,
): Promise<ChosenTensor | Exclude<Search, { is: 'found' }>> {
  const left = new Set(names);
  const notes: string[] = [];
  for (;;) {
    const search = searchFor(left, tied, asked);
    if (search.is !== 'found') return search;
    const { choice } = search;
    if (choice.isInput === true && choice.kind === 'unembedding') throw notInput(path, choice.name);
    const weights = await weightsOf(choice.name);
    const entry = weights.entries.find(({ name }) => name === choice.name);
    if (entry !== undefined) {
      const fitting =
        asked.tensor === undefined && choice.kind === 'unembedding' && isShort(entry, vocabSize)
          ? await fittingHead(left, vocabSize, weightsOf)
          : null;
      if (fitting !== null) {
        left.delete(choice.name);
        notes.push(
          `${choice.name} has ${counted(entry.shape[0]!, 'row')}, fewer than the vocab_size ${vocabSize} of ${config}: ` +
            `it is passed over for ${fitting}`,
        );
        continue;
      }
      const all = [...sectionNotes(weights), ...choice.notes, ...notes];
      return { is: 'chosen', choice, weights, entry, notes: all };
    }
    if (asked.tensor !== undefined || tied !== true || choice.kind !== 'unembedding') {
      throw new InputError(
        `${weights.file}: the checkpoint's index says that tensor ${choice.name} is in this file, but it is not; ` +
          'index and shards are of different checkpoints: copy them from one source',
      );
    }
    left.delete(choice.name);
    notes.push(
      `the index lists ${choice.name}, which no file holds: it is tied to the embedding, which is taken`,
    );
  }
}

function isShort({ shape }: WeightEntry, vocabSize: number | null): boolean {
  return vocabSize !== null && shape.length === 2 && shape[0]! < vocabSize;
}

/** The first head with rows for all of the vocabulary; null where none has them. */
async function fittingHead(
  names: Iterable<string>,
  vocabSize: number | null,
  weightsOf: Tensors['weightsOf'],
): Promise<string | null> {
  for (const { name, kind } of knownNames(names)) {
    if (kind !== 'unembedding') continue;
    const entry = (await weightsOf(name)).entries.find((tensor) => tensor.name === name);
    if (entry !== undefined && entry.shape.length === 2 && !isShort(entry, vocabSize)) return name;
  }
  return null;
}

/** Says under which key of the file the tensors are, where they are under one. */
export function sectionNotes({ section }: Weights): string[] {
  return section === null ? [] : [`the tensors are those under the key "${section}" of the file`];
}

function searchFor(
  names: ReadonlySet<string>,
  tied: boolean | null,
  { tensor, side = 'output' }: AskedMatrix,
): Search {
  if (tensor === undefined)
    return side === 'input' ? searchEmbedding(names, tied) : searchUnembedding(names, tied);
  const choice = searchNamed(names, tensor);
  if (choice === null) return { is: 'unknown' };
  return { is: 'found', choice: side === 'input' ? { ...choice, isInput: true } : choice };
}

function notInput(path: string, name: string): InputError {
  return new InputError(
    `${path}: ${name} is an unembedding matrix, and --side input asks for the other one; leave --tensor out, or --side`,
  );
}
