import { type KnownTensor, recogniseTensor, stemOf } from './recognise-tensor.js';
import { type TensorRule, tensorRules } from './tensor-names.js';

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
}

/** The end of a search by names. */
export type Search =
  | { is: 'found'; choice: Choice }
  /** The layer is there, but in other tensors than a matrix: it is quantised, or an adapter's. */
  | { is: 'in parts'; kind: TensorRule['kind']; stem: string; parts: readonly string[] }
  /** Only embeddings are there, and they are said not to be tied. */
  | { is: 'untied'; embedding: string }
  | { is: 'unknown' };

/** The reason where the user has chosen. */
export const NAMED_BY_USER = 'named by --tensor';

/**
 * Looks for the unembedding matrix by the names that are there: unembeddings, then, unless they are said not to be
 * tied, embeddings; in the order of the rules, and names as they stand before names from which wrappers are taken off.
 * An unembedding that is there without its matrix ends the search, because an embedding would be another matrix.
 *
 * @param tied whether the configuration calls the embeddings tied, null where it is silent
 */
export function searchUnembedding(names: Iterable<string>, tied: boolean | null): Search {
  const layers = layersOf(names);
  const head = layers.find(({ rule, weight }) => rule.kind === 'unembedding' && weight !== null);
  const broken = layers.find((layer) => layer.rule.kind === 'unembedding' && isInParts(layer, layers));
  if (broken !== undefined && (head === undefined || layers.indexOf(broken) < layers.indexOf(head))) {
    return inParts(broken);
  }
  if (head !== undefined) return { is: 'found', choice: choiceOf(head, tied) };
  const embeddings = layers.filter(({ rule }) => rule.kind === 'embedding');
  const embedding = embeddings.find(({ weight }) => weight !== null);
  if (embedding !== undefined) {
    if (tied === false) return { is: 'untied', embedding: embedding.weight!.stored };
    return { is: 'found', choice: choiceOf(embedding, tied) };
  }
  const quantised = embeddings.find((layer) => isInParts(layer, layers));
  return quantised === undefined ? { is: 'unknown' } : inParts(quantised);
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

/** Lists the tensors under known names of matrices, in the order of the rules. */
export function knownNames(names: Iterable<string>): { name: string; kind: TensorRule['kind'] }[] {
  return layersOf(names).flatMap(({ rule, weight }) =>
    weight === null ? [] : [{ name: weight.stored, kind: rule.kind }],
  );
}

/** The tensors of one known layer. */
interface Layer {
  rule: TensorRule;
  /** The matrix; null where there is none under the layer's name. */
  weight: KnownTensor | null;
  /** The other tensors, but for a bias, which stands beside any matrix. */
  parts: KnownTensor[];
}

/** The known layers that are there, in the order of a search. */
function layersOf(names: Iterable<string>): Layer[] {
  const layers = new Map<string, Layer>();
  for (const name of names) {
    const known = recogniseTensor(name);
    if (known === null || known.part === 'bias') continue;
    const { rule, removed } = known;
    const key = `${removed.length === 0 ? 'plain' : 'wrapped'} ${rule.name}`;
    const layer = layers.get(key) ?? { rule, weight: null, parts: [] };
    layers.set(key, layer);
    if (known.part !== 'weight') layer.parts.push(known);
    else layer.weight ??= known;
  }
  return ['plain', 'wrapped'].flatMap((form) =>
    tensorRules.flatMap(({ name }) => layers.get(`${form} ${name}`) ?? []),
  );
}

/** A layer without its matrix; not one that only holds another known layer, as lm_head holds lm_head.linear. */
function isInParts({ rule, weight, parts }: Layer, layers: readonly Layer[]): boolean {
  if (weight !== null || parts.length === 0) return false;
  return !layers.some((other) => other.weight !== null && other.rule.name.startsWith(`${stemOf(rule)}.`));
}

function inParts({ rule, parts }: Layer): Search {
  const names = parts.map(({ stored }) => stored).sort();
  return { is: 'in parts', kind: rule.kind, stem: stemOf(rule), parts: names };
}

function choiceOf({ rule, weight, parts }: Layer, tied: boolean | null): Choice {
  const {
    stored,
    rule: { kind, families },
  } = weight!;
  const what =
    kind === 'unembedding'
      ? 'an unembedding matrix'
      : `an embedding matrix; tie_word_embeddings is ${tied === null ? 'not set, and no unembedding is there' : 'true'}`;
  const reason = `rule ${tensorRules.indexOf(rule) + 1} of ${tensorRules.length}: ${what} (${families})`;
  return {
    name: stored,
    kind,
    reason,
    notes: [...wrapperNotes(weight!), ...silenceNotes(kind, tied), ...companionNotes(stored, parts)],
  };
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

function companionNotes(name: string, parts: readonly KnownTensor[]): string[] {
  if (parts.length === 0) return [];
  const listed = parts.slice(0, 5).map(({ stored }) => stored);
  if (parts.length > listed.length) listed.push(`${parts.length - listed.length} more`);
  return [`beside ${name} there are ${listed.join(', ')}, which are not used`];
}

function kindOf(name: string): TensorRule['kind'] | null {
  const known = recogniseTensor(name);
  return known?.part === 'weight' ? known.rule.kind : null;
}
