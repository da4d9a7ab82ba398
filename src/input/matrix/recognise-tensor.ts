import { ambiguousHeads, type TensorRule, tensorRules, wrappers } from './tensor-names.js';

/** A tensor of one of the layers that tensor-names.ts knows. */
export interface KnownTensor {
  /** The name in the file. */
  stored: string;
  /** The rule of the layer. */
  rule: TensorRule;
  /** Name within the layer: 'weight' for the matrix itself, 'bias', 'qweight', 'weight_scale', ... */
  part: string;
  /** Wrappers that were taken off the name, each once; empty where it is known as it stands. */
  removed: readonly string[];
}

/**
 * Finds out which known layer a tensor is of, by its name alone: as it stands, or else with as few wrappers taken off as
 * make it known.
 *
 * @returns null for a name that is of no known layer
 */
export function recogniseTensor(stored: string): KnownTensor | null {
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
}

const WEIGHT = '.weight';

const rulesByStem: ReadonlyMap<string, TensorRule> = new Map(
  tensorRules.map((rule) => [stemOf(rule), rule] as const),
);

/** No stem has more parts, so that longer names are not tried in vain. */
const LONGEST_STEM = Math.max(...[...rulesByStem.keys()].map((stem) => stem.split('.').length));

const anywhere = wrapperNames('anywhere');
const front = wrapperNames('front');

/** Gives the stem of a rule: the name of the layer whose matrix it names. */
export function stemOf({ name }: TensorRule): string {
  return name.slice(0, -WEIGHT.length);
}

/** True for a layer that may be the head of a classifier, by its name. */
export function isAmbiguous(rule: TensorRule): boolean {
  return ambiguousHeads.includes(stemOf(rule));
}

/** Matches the parts from `first` on. The longest known stem counts: lm_head.linear.weight is no part of lm_head. */
function match(parts: readonly string[], first: number): Pick<KnownTensor, 'rule' | 'part'> | null {
  for (let end = Math.min(first + LONGEST_STEM, parts.length - 1); end > first; end--) {
    const rule = rulesByStem.get(parts.slice(first, end).join('.'));
    if (rule !== undefined) return { rule, part: parts.slice(end).join('.') };
  }
  return null;
}

function wrapperNames(where: 'front' | 'anywhere'): ReadonlySet<string> {
  return new Set(wrappers.filter((wrapper) => wrapper.where === where).map(({ name }) => name));
}
