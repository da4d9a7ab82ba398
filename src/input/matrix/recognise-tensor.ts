import { ambiguousHeads, type TensorRule, tensorRules, wrappers } from './tensor-names.js';

/** A tensor of one of the layers that a list of rules knows. */
export interface Recognised<Rule> {
  /** The name in the file. */
  stored: string;
  /** The rule of the layer. */
  rule: Rule;
  /** Name within the layer: 'weight' for the matrix itself, 'bias', 'qweight', 'weight_scale', ... */
  part: string;
  /** Wrappers that were taken off the name, each once; empty where it is known as it stands. */
  removed: readonly string[];
}

/** A tensor of one of the layers that tensor-names.ts knows. */
export type KnownTensor = Recognised<TensorRule>;

const WEIGHT = '.weight';

/** Gives the stem of a rule: the name of the layer whose weights it names. */
export function stemOf({ name }: { name: string }): string {
  return name.slice(0, -WEIGHT.length);
}

/**
 * Makes a function that finds out which known layer a tensor is of, by its name alone: as it stands, or else with as few
 * wrappers taken off as make it known. It returns null for a name that is of no known layer.
 */
export function recogniserOf<Rule extends { name: string }>(
  rules: readonly Rule[],
): (stored: string) => Recognised<Rule> | null {
  const rulesByStem = new Map(rules.map((rule) => [stemOf(rule), rule] as const));
  // No stem has more parts, so that longer names are not tried in vain.
  const longest = Math.max(...[...rulesByStem.keys()].map((stem) => stem.split('.').length));

  /** Matches the parts from `first` on. The longest known stem counts: lm_head.linear.weight is no part of lm_head. */
  const match = (parts: readonly string[], first: number) => {
    for (let end = Math.min(first + longest, parts.length - 1); end > first; end--) {
      const rule = rulesByStem.get(parts.slice(first, end).join('.'));
      if (rule !== undefined) return { rule, part: parts.slice(end).join('.') };
    }
    return null;
  };

  return (stored) => {
    const parts = stored.split('.');
    const asItStands = match(parts, 0);
    if (asItStands !== null) return { stored, removed: [], ...asItStands };
    const removed = new Set(parts.filter((part) => anywhere.has(part)));
    const left = parts.filter((part) => !anywhere.has(part));
    for (let first = 0; first < left.length; first++) {
      const found = match(left, first);
      if (found !== null) return { stored, removed: [...removed], ...found };
      if (!front.has(left[first]!)) return null;
      removed.add(left[first]!);
    }
    return null;
  };
}

const anywhere = wrapperNames('anywhere');
const front = wrapperNames('front');

function wrapperNames(where: 'front' | 'anywhere'): ReadonlySet<string> {
  return new Set(wrappers.filter((wrapper) => wrapper.where === where).map(({ name }) => name));
}

/** Finds out which layer of an unembedding or an embedding a tensor is of; null where of none that is known. */
export const recogniseTensor = recogniserOf(tensorRules);

/** True for a layer that may be the head of a classifier, by its name. */
export function isAmbiguous(rule: TensorRule): boolean {
  return ambiguousHeads.includes(stemOf(rule));
}
