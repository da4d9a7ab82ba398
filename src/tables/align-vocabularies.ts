import { InputError } from '../errors.js';
import { idsOfTexts } from '../input/tokenizer/ids-of-texts.js';
import { count } from '../text/figures.js';
import type { Vocabulary } from './vocabulary.js';

/** Ways in which the tokens of two runs can be matched; `auto` ends as one of the others. */
export const alignmentKinds = ['auto', 'id', 'text'] as const;
/** Way in which the tokens of two runs can be matched. */
export type Alignment = (typeof alignmentKinds)[number];

/** Tokens of two runs that belong together, and those that are of one alone. */
export interface AlignedTokens {
  by: 'id' | 'text';
  /** Ids in A and in B of each pair, int32 [n], those of A rising. */
  a: Int32Array;
  b: Int32Array;
  /** Ids that have no partner, rising. */
  onlyA: Int32Array;
  onlyB: Int32Array;
  /** Pairs whose text is that of several tokens, which are matched in the order of their ids, bytes last. */
  ambiguous: number;
}

/** Texts of the tokens of one run. */
export interface Texts extends Pick<Vocabulary, 'texts' | 'isByte'> {
  /** Whether there is a tokenizer. */
  isKnown: boolean;
  /** What the run is to the user, for messages. */
  name: string;
}

/**
 * Matches the tokens of two runs: by id where their vocabularies are the same, else by the bytes of their text.
 *
 * @throws InputError where that cannot be told, or no tokens belong together
 */
export function alignVocabularies(a: Texts, b: Texts, wanted: Alignment): AlignedTokens {
  const by = wanted === 'auto' ? chooseAlignment(a, b) : wanted;
  if (by === 'text') for (const side of [a, b]) if (!side.isKnown) throw withoutTexts(side);
  const pairs = by === 'id' ? pairById(a, b) : pairByText(a, b);
  if (pairs.a.length > 0) return { by, ...pairs };
  throw new InputError(
    `${a.name}, ${b.name}: no token of the one has the text of a token of the other, so there is nothing to compare; ` +
      '--align id takes rows of one number for one token',
  );
}

/** Whether two vocabularies are one: the same texts, and beyond the shorter one rows without any. */
function chooseAlignment(a: Texts, b: Texts): 'id' | 'text' {
  if (a.isKnown && b.isKnown) {
    const [shorter, longer] = a.texts.length <= b.texts.length ? [a.texts, b.texts] : [b.texts, a.texts];
    return longer.every((text, id) => text === (shorter[id] ?? null)) ? 'id' : 'text';
  }
  if (a.texts.length === b.texts.length) return 'id';
  throw new InputError(
    `${a.name}, ${b.name}: have ${count(a.texts.length)} and ${count(b.texts.length)} rows, and there is no tokenizer ` +
      `beside ${a.isKnown ? 'the second' : b.isKnown ? 'the first' : 'either'} checkpoint that says which belong together; ` +
      'add it, or --align id where rows of one number are one token',
  );
}

function withoutTexts({ name }: Texts): InputError {
  return new InputError(
    `${name}: there is no tokenizer beside its checkpoint, so tokens cannot be matched by their text; add it, or --align id`,
  );
}

type Pairs = Omit<AlignedTokens, 'by'>;

function pairById(a: Texts, b: Texts): Pairs {
  const [rowsA, rowsB] = [a.texts.length, b.texts.length];
  const shared = Math.min(rowsA, rowsB);
  const range = (first: number, end: number) =>
    Int32Array.from({ length: Math.max(0, end - first) }, (_, k) => first + k);
  const ids = range(0, shared);
  return { a: ids, b: ids, onlyA: range(shared, rowsA), onlyB: range(shared, rowsB), ambiguous: 0 };
}

/** Pairs the k-th token of a text with the k-th one of the same text, those that stand for bytes last. */
function pairByText(a: Texts, b: Texts): Pairs {
  const isText = { has: (text: unknown) => text !== null };
  const [inA, inB] = [idsOfTexts(a, isText), idsOfTexts(b, isText)];
  const partner = new Int32Array(a.texts.length).fill(-1);
  const taken = new Uint8Array(b.texts.length);
  let ambiguous = 0;
  for (const [text, ids] of inA) {
    const others = inB.get(text) ?? [];
    const pairs = Math.min(ids.length, others.length);
    if (ids.length > 1 || others.length > 1) ambiguous += pairs;
    for (let k = 0; k < pairs; k++) {
      partner[ids[k]!] = others[k]!;
      taken[others[k]!] = 1;
    }
  }
  const ids = Int32Array.from(partner.keys());
  const matched = ids.filter((id) => partner[id]! >= 0);
  return {
    a: matched,
    b: matched.map((id) => partner[id]!),
    onlyA: ids.filter((id) => partner[id]! < 0),
    onlyB: Int32Array.from(taken.keys()).filter((id) => taken[id] === 0),
    ambiguous,
  };
}
