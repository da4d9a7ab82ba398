import type { GivenPair } from '../input/concept-pairs.js';
import { idsOfTexts, type NamedTokens } from '../input/tokenizer/ids-of-texts.js';
import { type Spelling, spellingsOf } from './spellings.js';

/** What became of a pair: whether it counts, or why it does not. */
export const pairFates = [
  'used',
  'a is no token',
  'b is no token',
  'neither is a token',
  'one token twice',
  'repeated',
  'equal rows',
] as const;
/** What became of a pair. */
export type PairFate = (typeof pairFates)[number];

/** A token of a pair. */
export interface PairToken {
  /** As the file has it. */
  given: string;
  /** -1 where none was found. */
  id: number;
  /** How it spells what was given; null of an id, and where none was found. */
  spelling: Spelling | null;
}

/** A pair whose tokens have been looked for. */
export interface FoundPair {
  concept: string;
  a: PairToken;
  b: PairToken;
  fate: PairFate;
}

/**
 * Ways in which tokens of pairs are looked for, best first: with the space that begins a word within a text. Bytes and what a
 * vocabulary's file writes are not words of anybody's list.
 */
const preferred: readonly Spelling[] = ['with a leading space', 'as given', 'without the leading space'];

/**
 * Finds the tokens of pairs. Of a text the first spelling that is a single token is taken, the space in front before none;
 * where there is one in which both tokens of a pair begin with a space, or neither does, that one, so that they do not differ in
 * the space as well. Of tokens with the same text the lowest id is taken, and one that
 * stands for a byte only where there is no other.
 */
export function findPairs(pairs: readonly GivenPair[], tokens: NamedTokens): FoundPair[] {
  const { texts } = tokens;
  const ids = idsOfTexts(tokens, spellingsIn(pairs));
  const seen = new Set<string>();
  return pairs.map(({ concept, a: givenA, b: givenB }) => {
    const [a, b] = choose(waysOf(givenA, ids, texts), waysOf(givenB, ids, texts));
    const token = (given: string | number, way: Way | undefined): PairToken => ({
      given: String(given),
      id: way?.id ?? -1,
      spelling: way?.spelling ?? null,
    });
    const pair = { concept, a: token(givenA, a), b: token(givenB, b) };
    const key = JSON.stringify([concept, pair.a.id, pair.b.id]);
    const fate = fateOf(pair, seen.has(key));
    seen.add(key);
    return { ...pair, fate };
  });
}

/** A token that spells a text. */
interface Way {
  id: number;
  spelling: Spelling | null;
  /** Whether its text begins with a space. */
  isSpaced: boolean;
}

/** All texts that a pair may be spelled by. */
function spellingsIn(pairs: readonly GivenPair[]): Set<unknown> {
  const wanted = new Set<unknown>();
  for (const { a, b } of pairs)
    for (const given of [a, b])
      if (typeof given === 'string') for (const text of spellingsOf(given).keys()) wanted.add(text);
  return wanted;
}

/** Tokens that spell what was given, best first. */
function waysOf(
  given: string | number,
  ids: ReadonlyMap<unknown, readonly number[]>,
  texts: ArrayLike<unknown>,
): Way[] {
  const isSpaced = (text: unknown) => typeof text === 'string' && text.startsWith(' ');
  if (typeof given === 'number')
    return given < texts.length ? [{ id: given, spelling: null, isSpaced: isSpaced(texts[given]) }] : [];
  return [...spellingsOf(given)]
    .flatMap(([text, spelling]) => {
      const id = ids.get(text)?.[0];
      if (id === undefined || !preferred.includes(spelling)) return [];
      return [{ id, spelling, isSpaced: isSpaced(text) }];
    })
    .sort((x, y) => preferred.indexOf(x.spelling) - preferred.indexOf(y.spelling));
}

/** The best two that are alike in the space; else the best of each. */
function choose(ofA: readonly Way[], ofB: readonly Way[]): [Way | undefined, Way | undefined] {
  for (const a of ofA) {
    const b = ofB.find(({ isSpaced }) => isSpaced === a.isSpaced);
    if (b !== undefined) return [a, b];
  }
  return [ofA[0], ofB[0]];
}

function fateOf({ a, b }: Pick<FoundPair, 'a' | 'b'>, isRepeated: boolean): PairFate {
  if (a.id < 0) return b.id < 0 ? 'neither is a token' : 'a is no token';
  if (b.id < 0) return 'b is no token';
  if (a.id === b.id) return 'one token twice';
  return isRepeated ? 'repeated' : 'used';
}
