import {
  type ConceptMetric,
  conceptMetrics,
  difference,
  type InMetrics,
  measureList,
  type PairList,
  type TokenRows,
  weightedCosine,
} from './concept-geometry.js';
import { leaveOneOutMeans, type MeasuredSet, meanBetween, meanOfKnown, measureSet } from './concept-set.js';

/**
 * Lists of pairs in which there is no concept, each with as many pairs as the concept has:
 *
 *   shuffled vocabulary  the same lists after a random permutation of the tokens: words that lists share stay shared
 *   random pairs         of tokens drawn at random
 *   re-paired            each first token with the second one of another pair: what is left of a concept without its pairing
 */
export const conceptControls = ['shuffled vocabulary', 'random pairs', 're-paired'] as const;
/** Control of concepts. */
export type ConceptControl = (typeof conceptControls)[number];

/** What a control came to, once. */
export interface ControlOutcome {
  control: ConceptControl;
  /** 0, 1, ... */
  repeat: number;
  /** Mean leave-one-out cosine, by concept. */
  leaveOneOut: InMetrics<Float64Array>;
  /** Mean |cos| between two concepts; NaN of pairs that are paired anew, whose means hardly change. */
  between: InMetrics<number>;
  /** Mean |cos| of the control's pairs with the direction of the concept itself, by concept; of random pairs alone. */
  along: InMetrics<Float64Array> | null;
}

/** Draws lists of pairs without a concept. @param tokens number of rows at hand; @param random numbers in [0, 1) */
export function drawControl(
  control: ConceptControl,
  lists: readonly PairList[],
  tokens: number,
  random: () => number,
): PairList[] {
  switch (control) {
    case 'shuffled vocabulary': {
      const other = shuffled(tokens, random);
      return lists.map(({ a, b }) => ({
        a: a.map((token) => other[token]!),
        b: b.map((token) => other[token]!),
      }));
    }
    case 'random pairs':
      return lists.map(({ a }) => randomPairs(a.length, tokens, random));
    case 're-paired':
      return lists.map((list) => pairedAnew(list, random));
  }
}

/** Measures lists that were drawn. @param set the concepts themselves */
export function measureControl(
  control: ConceptControl,
  repeat: number,
  { set, lists }: { set: MeasuredSet; lists: readonly PairList[] },
  rows: TokenRows,
): ControlOutcome {
  if (control === 're-paired') {
    // Their means are those of the concepts, but for pairs that would be of one token twice.
    const measured = lists.map((list) => measureList(list, rows));
    const between = { euclidean: Number.NaN, causal: Number.NaN };
    return { control, repeat, leaveOneOut: leaveOneOutMeans(measured), between, along: null };
  }
  const measured = measureSet(lists, rows);
  return {
    control,
    repeat,
    leaveOneOut: leaveOneOutMeans(measured.lists),
    between: meanBetween(measured),
    along: control === 'random pairs' ? alongConcepts(set, lists, rows) : null,
  };
}

function alongConcepts(
  { lists: concepts }: MeasuredSet,
  lists: readonly PairList[],
  rows: TokenRows,
): InMetrics<Float64Array> {
  const delta = new Float64Array(rows.d);
  const found = { euclidean: new Float64Array(lists.length), causal: new Float64Array(lists.length) };
  for (const [c, list] of lists.entries()) {
    const { mean, norms } = concepts[c]!;
    const cosines: Record<ConceptMetric, number[]> = { euclidean: [], causal: [] };
    for (let k = 0; k < list.a.length; k++) {
      difference(list, rows, k, delta);
      for (const metric of conceptMetrics)
        if (norms[metric] > 0)
          cosines[metric].push(Math.abs(weightedCosine(delta, mean, rows.weights[metric])));
    }
    for (const metric of conceptMetrics) found[metric][c] = meanOfKnown(cosines[metric]);
  }
  return found;
}

function randomPairs(count: number, tokens: number, random: () => number): PairList {
  const list = { a: new Int32Array(count), b: new Int32Array(count) };
  for (let k = 0; k < count; k++) {
    list.a[k] = Math.floor(random() * tokens);
    // One of the others.
    list.b[k] = (list.a[k]! + 1 + Math.floor(random() * (tokens - 1))) % tokens;
  }
  return list;
}

/** Gives each first token the second one of the next pair in a random order; pairs of one token twice are left out. */
function pairedAnew({ a, b }: PairList, random: () => number): PairList {
  const order = shuffled(a.length, random);
  const pairs: [number, number][] = [];
  for (const [k, pair] of order.entries()) {
    const other = order[(k + 1) % order.length]!;
    if (other !== pair && a[pair] !== b[other]) pairs.push([a[pair]!, b[other]!]);
  }
  return { a: Int32Array.from(pairs, ([first]) => first), b: Int32Array.from(pairs, ([, second]) => second) };
}

/** A random order of 0, 1, ..., count - 1. */
function shuffled(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return order;
}
