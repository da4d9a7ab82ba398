/**
 * What a pickle can hold here. A Python tuple is a frozen array, a list an unfrozen one, a dict (and an OrderedDict)
 * a Map, an int outside +-2^53 a bigint. Lists and dicts may contain themselves, as in Python.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleObject;

/** What the caller's globals and persistent ids make; `kind` tells them apart. */
export interface PickleObject {
  readonly kind: string;
}

/** A name of the allow-list, as a value: what it builds is decided here, never by the file. */
export interface PickleGlobal extends PickleObject {
  readonly kind: 'global';
  /** Module and name, 'collections OrderedDict'. */
  readonly name: string;
  /** Builds a value of a call's arguments; absent where the global may only be named, not called. */
  readonly call?: (args: readonly PickleValue[], fail: Fail) => PickleValue;
}

/** Throws an InputError that adds file and position to `problem`. */
export type Fail = (problem: string) => never;

export interface PickleRules {
  /** The only globals a pickle may name, by 'module name'. */
  globals: ReadonlyMap<string, PickleGlobal>;
  /** Makes the value behind a persistent id. */
  persistentLoad: (id: PickleValue, fail: Fail) => PickleValue;
}

/** True for a Python tuple, see PickleValue. */
export function isTuple(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value) && Object.isFrozen(value);
}
