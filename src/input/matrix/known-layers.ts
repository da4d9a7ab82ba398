import { type KnownTensor, recogniseTensor, stemOf } from './recognise-tensor.js';
import { type TensorRule, tensorRules } from './tensor-names.js';

/** A known layer that is there: with its matrix, or in other tensors alone, as quantisation and adapters leave it. */
export type KnownLayer =
  | {
      is: 'whole';
      rule: TensorRule;
      matrix: KnownTensor;
      /** Matrices that have the same right to the name, as two wrapped models have. */
      twins: readonly KnownTensor[];
      beside: readonly KnownTensor[];
    }
  | { is: 'in parts'; rule: TensorRule; parts: readonly KnownTensor[] };

/**
 * Lists the known layers of which there are tensors: those under names as they stand before those under names from which
 * wrappers are taken off, and both in the order of the rules. A bias alone makes no layer, for it stands beside any matrix.
 */
export function knownLayers(names: Iterable<string>): KnownLayer[] {
  const groups = new Map<string, KnownTensor[]>();
  for (const name of names) {
    const known = recogniseTensor(name);
    if (known === null || known.part === 'bias') continue;
    const key = keyOf(known.rule, known.removed.length > 0);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [known]);
    else group.push(known);
  }
  const ordered = [false, true].flatMap((isWrapped) =>
    tensorRules.flatMap((rule) => {
      const group = groups.get(keyOf(rule, isWrapped));
      return group === undefined ? [] : [layerOf(rule, group)];
    }),
  );
  return ordered.filter((layer) => !isContainer(layer, ordered));
}

function keyOf({ name }: TensorRule, isWrapped: boolean): string {
  return `${isWrapped ? 'wrapped' : 'plain'} ${name}`;
}

function layerOf(rule: TensorRule, tensors: readonly KnownTensor[]): KnownLayer {
  const [matrix, ...twins] = tensors.filter(({ part }) => part === 'weight');
  if (matrix === undefined) return { is: 'in parts', rule, parts: tensors };
  return { is: 'whole', rule, matrix, twins, beside: tensors.filter(({ part }) => part !== 'weight') };
}

/** True where a layer only holds another known one beside its parts, as lm_head holds lm_head.linear and a norm. */
function isContainer({ is, rule }: KnownLayer, layers: readonly KnownLayer[]): boolean {
  const inside = `${stemOf(rule)}.`;
  return (
    is === 'in parts' && layers.some((other) => other.is === 'whole' && other.rule.name.startsWith(inside))
  );
}
