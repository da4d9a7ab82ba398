import { recogniseTensor } from './recognise-tensor.js';
import { headWords, otherModels } from './tensor-names.js';

/** An unembedding by a word in its name, at a place that no rule knows. */
export interface UnplacedHead {
  /** The name up to that word. */
  stem: string;
  /** Name of its matrix; null where it is there in other tensors alone. */
  matrix: string | null;
  /** Names of its tensors but biases. */
  tensors: string[];
}

/** Lists the unembeddings that are there under names that no rule knows. */
export function unplacedHeads(names: Iterable<string>): UnplacedHead[] {
  const heads = new Map<string, UnplacedHead>();
  for (const name of new Set(names)) {
    const parts = name.split('.');
    const word = parts.findIndex((part) => words.has(part));
    if (word < 0 || isOfOther(parts.slice(0, word)) || recogniseTensor(name) !== null) continue;
    const part = parts.slice(word + 1).join('.');
    if (part === 'bias') continue;
    const stem = parts.slice(0, word + 1).join('.');
    const head = heads.get(stem) ?? { stem, matrix: null, tensors: [] };
    heads.set(stem, head);
    head.tensors.push(name);
    if (part === 'weight' || (part === '' && head.matrix === null)) head.matrix = name;
  }
  return [...heads.values()];
}

const words: ReadonlySet<string> = new Set(headWords);

/** True within a layer too, where heads are those of the tokens after the next. */
function isOfOther(before: readonly string[]): boolean {
  return before.some(
    (part, index) => otherModels.test(part) || (part === 'layers' && /^\d+$/.test(before[index + 1] ?? '')),
  );
}
