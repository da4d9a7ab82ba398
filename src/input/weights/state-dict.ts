import { InputError } from '../../errors.js';
import { isOpaque, type OpaqueValue, type PickleValue } from '../../formats/torch/pickle-value.js';
import { isTorchTensor, type TorchTensor } from '../../formats/torch/torch-tensor.js';
import { otherModels } from '../matrix/tensor-names.js';
import { searchUnembedding } from '../matrix/unembedding.js';

/** The tensors of a file of torch.save, or of a dictionary within it, as far as they are tensors or stand for one. */
export interface StateDict {
  /** Keys that lead to the dictionary, joined by dots; null for the file's own. */
  section: string | null;
  held: ReadonlyMap<string, TorchTensor | OpaqueValue>;
}

/** Levels of dictionaries below the file's own that are looked at: {'model': {'state_dict': {...}}} has two. */
const DEPTH = 8;

/** Keys of what an optimiser keeps for every tensor, under the tensor's own name. */
const optimiserKeys = /^(?:optim|opt(?:_|$)|exp_avg|momentum|grad)/i;

/**
 * Finds the dictionary that holds the model's tensors: the one with an unembedding, else the one with an embedding, else
 * the only one with a matrix. What an optimiser keeps does not count, nor do other models beside one.
 *
 * @param asked the tensor that the user named, by its name alone or after the keys that lead to it
 * @throws InputError where there are several such dictionaries
 */
export function findStateDict(
  file: string,
  value: Map<PickleValue, PickleValue>,
  asked: string | undefined,
): StateDict {
  const levels = stateDicts(value);
  const named = asked === undefined ? null : levelOf(file, levels, asked);
  if (named !== null) return named;
  const weights = levels.filter((level) => holdsMatrix(level) && !hasKey(level, optimiserKeys));
  const known = weights.filter((level) => kindOf(level) !== null);
  const own = known.filter((level) => !hasKey(level, otherModels));
  const models = own.length > 0 ? own : known;
  for (const kind of ['unembedding', 'embedding'] as const) {
    const found = distinct(models.filter((level) => kindOf(level) === kind));
    if (found.length > 1) throw several(file, found);
    if (found.length === 1) return found[0]!;
  }
  const unknown = distinct(weights);
  if (unknown.length > 1) throw several(file, unknown);
  return unknown[0] ?? levels[0]!;
}

function hasKey({ section }: StateDict, keys: RegExp): boolean {
  return section?.split('.').some((key) => keys.test(key)) ?? false;
}

/** The level that holds the tensor under the name that was asked for; null where none does. */
function levelOf(file: string, levels: readonly StateDict[], asked: string): StateDict | null {
  const exact = distinct(
    levels.filter(({ held }) => held.has(asked)),
    () => asked,
  );
  if (exact[0]?.section === null || exact.length === 1) return exact[0]!;
  if (exact.length > 1) throw several(file, exact);
  for (const { section, held } of levels) {
    if (section === null || !asked.startsWith(`${section}.`)) continue;
    const tensor = held.get(asked.slice(section.length + 1));
    // Under the name that was asked for, so that it is found again by the name that a run records.
    if (tensor !== undefined) return { section, held: new Map([[asked, tensor]]) };
  }
  return null;
}

/** The file's dictionary and those below it. Each is looked at once, however often it occurs. */
function stateDicts(value: Map<PickleValue, PickleValue>): StateDict[] {
  const seen = new Set<PickleValue>([value]);
  const levels: StateDict[] = [];
  let below: [string | null, Map<PickleValue, PickleValue>][] = [[null, value]];
  for (let depth = 0; depth <= DEPTH; depth++) {
    const next: typeof below = [];
    for (const [section, dictionary] of below) {
      levels.push({ section, held: tensorsOf(dictionary) });
      for (const [key, inner] of dictionary) {
        if (typeof key !== 'string' || !(inner instanceof Map) || seen.has(inner)) continue;
        seen.add(inner);
        next.push([section === null ? key : `${section}.${key}`, inner]);
      }
    }
    below = next;
  }
  return levels;
}

function tensorsOf(dictionary: ReadonlyMap<PickleValue, PickleValue>): StateDict['held'] {
  const held = new Map<string, TorchTensor | OpaqueValue>();
  for (const [name, value] of dictionary) {
    if (typeof name === 'string' && (isTorchTensor(value) || isOpaque(value))) held.set(name, value);
  }
  return held;
}

function holdsMatrix({ held }: StateDict): boolean {
  return [...held.values()].some((value) => isTorchTensor(value) && value.shape.length === 2);
}

/** The kind of the tensor that a search would end at, be it whole or not. */
function kindOf({ held }: StateDict): 'unembedding' | 'embedding' | null {
  const search = searchUnembedding(held.keys(), true);
  if (search.is === 'found') return search.choice.kind;
  return search.is === 'in parts' ? search.kind : null;
}

/** The levels without those that hold the tensor of an earlier one, in the same place of the same storage. */
function distinct(levels: readonly StateDict[], nameIn = chosenName): StateDict[] {
  const places = new Set<string>();
  return levels.filter((level) => {
    const tensor = level.held.get(nameIn(level) ?? '');
    if (!isTorchTensor(tensor) || tensor.storageKey === '') return true;
    const { storageKey, storageOffset, shape, strides } = tensor;
    const place = JSON.stringify([storageKey, storageOffset, shape, strides]);
    return !places.has(place) && places.add(place);
  });
}

function chosenName({ held }: StateDict): string | null {
  const search = searchUnembedding(held.keys(), true);
  return search.is === 'found' ? search.choice.name : null;
}

function several(file: string, levels: readonly StateDict[]): InputError {
  const names = levels.slice(0, 20).map((level) => {
    const name = chosenName(level) ?? firstMatrix(level);
    return level.section === null ? name : `${level.section}.${name}`;
  });
  if (levels.length > names.length) names.push(`${levels.length - names.length} more`);
  return new InputError(
    `${file}: holds several dictionaries of tensors, with ${names.join(', ')}; give this file as the model and name the ` +
      'tensor after its keys, as here, with --tensor, or save the dictionary of the model by itself: ' +
      'torch.save(checkpoint[key], path)',
  );
}

function firstMatrix({ held }: StateDict): string {
  const [name] = [...held].find(([, value]) => isTorchTensor(value) && value.shape.length === 2)!;
  return name;
}
