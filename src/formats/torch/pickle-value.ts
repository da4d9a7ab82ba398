/**
 * A value that a pickle can hold here. A Python tuple is a frozen array, a list an unfrozen one, a dict (and an OrderedDict)
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

/** An object that the caller's globals and persistent ids make; `kind` tells them apart. */
export interface PickleObject {
  readonly kind: string;
  /** Takes the attributes that Python would set; absent where a file may set none. */
  readonly setState?: (state: PickleValue) => void;
}

/** A name of the allow-list, as a value: what it builds is decided here, never by the file. */
export interface PickleGlobal extends PickleObject {
  readonly kind: 'global';
  /** Module and name, 'collections OrderedDict'. */
  readonly name: string;
  /** Builds a value of a call's arguments; absent where the global may only be named, not called. */
  readonly call?: (args: readonly PickleValue[], fail: Fail) => PickleValue;
}

/** A value that is known to do no harm and has no use here: a set, a date, a device. Whatever is put in is dropped. */
export interface OpaqueValue extends PickleObject {
  readonly kind: 'opaque';
  /** Name of what made it, 'torch device'. */
  readonly name: string;
}

/** Throws an InputError that adds file and position to `problem`. */
export type Fail = (problem: string) => never;

/** The names that a kind of pickle may use. */
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

/** True for a value that the caller's globals made, of one kind. */
export function isKind<T extends PickleObject>(value: PickleValue | undefined, kind: T['kind']): value is T {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/** True for a value that is only passed over. */
export function isOpaque(value: PickleValue | undefined): value is OpaqueValue {
  return isKind<OpaqueValue>(value, 'opaque');
}

/** Makes a value that is only passed over. */
export function opaque(name: string): OpaqueValue {
  return { kind: 'opaque', name, setState: () => {} };
}
