/** Part of koffi that is used here; a type of our own, so that the package builds where koffi is not installed. */
export interface Koffi {
  load(path: string): NativeLibrary;
  config(settings: { async_stack_size: number }): unknown;
}

/** Native library that koffi has loaded. */
export interface NativeLibrary {
  /** Binds a function by its C types. @throws when the library has no such function */
  func(name: string, result: string, parameters: readonly string[]): NativeFunction;
}

/** Native function, called on the calling thread. */
export interface NativeFunction {
  (...args: unknown[]): unknown;
  /** Calls the function on a thread of libuv's pool. */
  async(...args: [...unknown[], (error: unknown, result: unknown) => void]): void;
}

/** Koffi calls on a stack of its own: 128 KiB by default off the main thread, less than a threaded LAPACK may need. */
const ASYNC_STACK_BYTES = 8 * 2 ** 20;

let loaded: Promise<Koffi> | undefined;

/** Loads koffi, once a thread. @throws whatever the import gives where the optional dependency is missing */
export function loadKoffi(): Promise<Koffi> {
  loaded ??= importKoffi();
  return loaded;
}

async function importKoffi(): Promise<Koffi> {
  const name: string = 'koffi';
  const { default: koffi } = (await import(name)) as { default: Koffi };
  koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
  return koffi;
}
