import { type KnownLayer, knownLayers } from './known-layers.js';
import { isAmbiguous, type KnownTensor, recogniseTensor, stemOf } from './recognise-tensor.js';
import { type TensorRule, tensorRules } from './tensor-names.js';
import { type UnplacedHead, unplacedHeads } from './unplaced-heads.js';

/** The tensor that is taken for the unembedding matrix, and why. */
export interface Choice {
  /** The name in the file. */
  name: string;
  /** Kind by its name; null for a name that is not known, of a tensor that the user named or that is the only one. */
  kind: TensorRule['kind'] | null;
  /** The rule that chose it, for a user. */
  reason: string;
  /** Remarks for a user. */
  notes: readonly string[];
  /** Present where it was asked for as the input embedding, whatever else the model does with it. */
  isInput?: true;
}

/** The end of a search by names. */
export type Search =
  | { is: 'found'; choice: Choice }
  /** The layer is there, but in other tensors than a matrix: it is quantised, or an adapter's. */
  | { is: 'in parts'; kind: TensorRule['kind']; stem: string; parts: readonly string[] }
  /** Several matrices may be the unembedding, and none of them is for certain. */
  | { is: 'several'; heads: readonly string[] }
  /** Only embeddings are there, and they are said not to be tied. */
  | { is: 'untied'; embedding: string }
  | { is: 'unknown' };

/** The reason where the user has chosen. */
export const NAMED_BY_USER = 'named by --tensor';

/**
 * Looks for the unembedding matrix by the names that are there: unembeddings, those at places that no rule knows last,
 * then, unless they are said not to be tied, embeddings; in the order of the rules, and names as they stand before names
 * from which wrappers are taken off.
 * An unembedding that is there without its matrix ends the search, because an embedding would be another matrix.
 *
 * @param tied whether the configuration calls the embeddings tied, null where it is silent
 */
export function searchUnembedding(names: Iterable<string>, tied: boolean | null): Search {
  const all = [...names];
  const layers = knownLayers(all);
  const heads = layers.filter(({ rule }) => rule.kind === 'unembedding');
  const unplaced = unplacedHeads(all);
  if (heads[0] !== undefined) return searchedHead(heads[0], heads, unplaced);
  if (unplaced.length > 1) return { is: 'several', heads: unplaced.flatMap(({ tensors }) => tensors) };
  if (unplaced[0] !== undefined) return searchedUnplaced(unplaced[0]);
  const embeddings = layers.filter(({ rule }) => rule.kind === 'embedding');
  const embedding = embeddings.find(isWhole) ?? embeddings[0];
  if (embedding === undefined) return { is: 'unknown' };
  if (embedding.is === 'whole' && tied === false) return { is: 'untied', embedding: embedding.matrix.stored };
  return searchedLayer(embedding, tied);
}

/**
 * Looks for the input embedding by the names that are there, in the order of the rules.
 *
 * @param tied whether the configuration calls the embeddings tied, null where it is silent
 */
export function searchEmbedding(names: Iterable<string>, tied: boolean | null): Search {
  const all = [...names];
  const layers = knownLayers(all);
  const embeddings = layers.filter(({ rule }) => rule.kind === 'embedding');
  const embedding = embeddings.find(isWhole) ?? embeddings[0];
  if (embedding === undefined) return { is: 'unknown' };
  const search = searchedLayer(embedding, tied);
  if (search.is !== 'found') return search;
  const hasHead = layers.some(({ rule }) => rule.kind === 'unembedding') || unplacedHeads(all).length > 0;
  const isTied = tied ?? !hasHead;
  const { name } = search.choice;
  const reason = `rule ${tensorRules.indexOf(embedding.rule) + 1} of ${tensorRules.length}: the input embedding (${embedding.rule.families})`;
  const notes = isTied
    ? [
        `the embeddings are tied: ${name} is the unembedding matrix too, so that --side output has the same rows`,
      ]
    : [];
  return { is: 'found', choice: { name, kind: 'embedding', reason, notes, isInput: true } };
}

/** A name that classifiers have too does not count beside a quantised layer that is an unembedding for certain. */
function searchedHead(
  head: KnownLayer,
  heads: readonly KnownLayer[],
  unplaced: readonly UnplacedHead[],
): Search {
  if (isWhole(head) && isAmbiguous(head.rule)) {
    const rivals = [
      ...heads.flatMap((other) =>
        isWhole(other) || isAmbiguous(other.rule) ? [] : storedNames(other.parts),
      ),
      ...unplaced.flatMap(({ matrix, tensors }) => (matrix === null ? tensors : [])),
    ];
    if (rivals.length > 0) return { is: 'several', heads: [head.matrix.stored, ...rivals] };
  }
  return searchedLayer(head, null);
}

function searchedUnplaced({ stem, matrix, tensors }: UnplacedHead): Search {
  if (matrix === null) return { is: 'in parts', kind: 'unembedding', stem, parts: tensors.toSorted() };
  const reason = `an unembedding matrix by the word "${stem.split('.').at(-1)}" in its name, at a place that no rule knows`;
  const notes = [`tensor ${matrix} is taken: ${reason}`];
  return { is: 'found', choice: { name: matrix, kind: 'unembedding', reason, notes } };
}

/**
 * Looks for the tensor that the user names: by the name in the file, or that without wrappers.
 *
 * @returns null where none has that name
 */
export function searchNamed(names: ReadonlySet<string>, asked: string): Choice | null {
  if (names.has(asked)) {
    return { name: asked, kind: kindOf(asked), reason: NAMED_BY_USER, notes: [] };
  }
  for (const name of names) {
    const known = recogniseTensor(name);
    if (known === null || known.removed.length === 0) continue;
    if (`${stemOf(known.rule)}.${known.part}` !== asked) continue;
    return { name, kind: known.rule.kind, reason: NAMED_BY_USER, notes: wrapperNotes(known) };
  }
  return null;
}

/** Lists the tensors under known names of matrices, in the order of a search, and unembeddings at unknown places. */
export function knownNames(names: Iterable<string>): { name: string; kind: TensorRule['kind'] }[] {
  const all = [...names];
  const known = knownLayers(all).filter(isWhole);
  return [
    ...known.flatMap(({ rule, matrix, twins }) =>
      [matrix, ...twins].map(({ stored }) => ({ name: stored, kind: rule.kind })),
    ),
    ...unplacedHeads(all).flatMap(({ matrix }) =>
      matrix === null ? [] : [{ name: matrix, kind: 'unembedding' as const }],
    ),
  ];
}

type WholeLayer = Extract<KnownLayer, { is: 'whole' }>;

function isWhole(layer: KnownLayer): layer is WholeLayer {
  return layer.is === 'whole';
}

function searchedLayer(layer: KnownLayer, tied: boolean | null): Search {
  if (isWhole(layer)) {
    const { matrix, twins } = layer;
    if (twins.length > 0) return { is: 'several', heads: storedNames([matrix, ...twins]) };
    return { is: 'found', choice: choiceOf(layer, tied) };
  }
  const { rule, parts } = layer;
  return { is: 'in parts', kind: rule.kind, stem: stemOf(rule), parts: storedNames(parts) };
}

function storedNames(parts: readonly KnownTensor[]): string[] {
  return parts.map(({ stored }) => stored).sort();
}

function choiceOf({ rule, matrix, beside }: WholeLayer, tied: boolean | null): Choice {
  const { kind, families } = rule;
  const name = matrix.stored;
  const what =
    kind === 'unembedding'
      ? 'an unembedding matrix'
      : `an embedding matrix; tie_word_embeddings is ${tied === null ? 'not set, and no unembedding is there' : 'true'}`;
  const reason = `rule ${tensorRules.indexOf(rule) + 1} of ${tensorRules.length}: ${what} (${families})`;
  const notes = [...wrapperNotes(matrix), ...silenceNotes(kind, tied), ...companionNotes(name, beside)];
  return { name, kind, reason, notes };
}

function wrapperNotes({ stored, rule, removed }: KnownTensor): string[] {
  if (removed.length === 0) return [];
  const what = removed.map((name) => `"${name}."`).join(' and ');
  return [`tensor ${stored} is taken for ${rule.name}, with ${what} taken off its name`];
}

function silenceNotes(kind: TensorRule['kind'], tied: boolean | null): string[] {
  if (kind === 'unembedding' || tied !== null) return [];
  return [
    'nothing says whether the embeddings are tied, and there is no unembedding matrix: the embedding is taken',
  ];
}

function companionNotes(name: string, beside: readonly KnownTensor[]): string[] {
  if (beside.length === 0) return [];
  const listed = beside.slice(0, 5).map(({ stored }) => stored);
  if (beside.length > listed.length) listed.push(`${beside.length - listed.length} more`);
  return [`beside ${name} there are ${listed.join(', ')}, which are not used`];
}

function kindOf(name: string): TensorRule['kind'] | null {
  return knownNames([name])[0]?.kind ?? null;
}
