import path from 'node:path';
import { InputError } from '../../errors.js';
import type { Backend, BackendIdentity, BackendName } from './backend.js';
import { type Koffi, loadKoffi } from './koffi.js';
import { portableBackend } from './portable-backend.js';
import { selfTest } from './self-test.js';
import { systemBackend } from './system-backend.js';
import { knownPlaces, type LibraryPlace, openSystemLibrary, placeOf } from './system-library.js';

export interface BackendWish {
  backend: BackendName;
  /** A library by file, or by a name that the loader finds; undefined: the known ones are looked for. */
  blas?: string | undefined;
  /** What computed the run that is to be continued, if any: `auto` takes it again. */
  recorded?: BackendIdentity | null;
}

/** What a choice is made from; others in tests. */
export interface Surroundings {
  loadKoffi: () => Promise<Koffi>;
  places: readonly LibraryPlace[];
}

/**
 * The kernels of a run. `auto` takes the first system library that loads and passes the self-test, and the portable
 * kernels where none does; whoever names a library has asked for it, also in `auto`.
 * @param note told when a library loads and fails its self-test
 * @throws InputError when a system library is asked for and cannot be used
 */
export async function chooseBackend(
  { backend, blas, recorded = null }: BackendWish,
  note: (line: string) => void,
  { loadKoffi: load, places }: Surroundings = { loadKoffi, places: knownPlaces },
): Promise<Backend> {
  if (backend === 'portable') {
    if (blas === undefined) return portableBackend;
    throw new InputError(`--blas ${blas} asks for a system library, --backend portable for none: give one`);
  }
  const isDemanded = backend === 'system' || blas !== undefined;
  if (!isDemanded && recorded?.backend === 'portable') return portableBackend;
  let koffi: Koffi;
  try {
    koffi = await load();
  } catch (cause) {
    if (!isDemanded) return portableBackend;
    throw new InputError(
      `a system library is called through koffi, which cannot be loaded (${messageOf(cause)}): ` +
        'run `npm install --include=optional`, or give --backend portable',
      { cause },
    );
  }
  const candidates = candidatesOf(blas, isDemanded ? null : recorded, places);
  const refusals: string[] = [];
  for (const place of candidates) {
    const outcome = await tryLibrary(koffi, place, note);
    if (typeof outcome !== 'string') return outcome;
    refusals.push(`${place.library}: ${outcome}`);
  }
  if (!isDemanded) return portableBackend;
  const advice =
    blas === undefined
      ? 'Install one (Debian and Ubuntu: apt install libopenblas0; Fedora: dnf install openblas-threads; ' +
        'macOS: brew install openblas), name one with --blas, or give --backend portable'
      : 'Name another one, or give --backend portable';
  throw new InputError(`no system library can be used:\n  ${refusals.join('\n  ')}\n${advice}`);
}

function candidatesOf(
  blas: string | undefined,
  recorded: BackendIdentity | null,
  places: readonly LibraryPlace[],
): readonly LibraryPlace[] {
  const name = blas ?? recorded?.library;
  if (name === undefined) return places;
  // A bare name is for the loader to find, anything else is a file.
  return [placeOf(/[\\/]/.test(name) ? path.resolve(name) : name)];
}

/** The kernels of a library, or why it cannot be used. */
async function tryLibrary(
  koffi: Koffi,
  place: LibraryPlace,
  note: (line: string) => void,
): Promise<Backend | string> {
  let library: ReturnType<typeof openSystemLibrary>;
  try {
    library = openSystemLibrary(koffi, place);
  } catch (error) {
    return messageOf(error);
  }
  const kernels = systemBackend(library, 'system');
  const { problems, keepsRowBits } = await testBackend(kernels);
  if (problems.length > 0) {
    const failure = `fails the self-test: ${problems.join('; ')}`;
    note(`${place.library} ${failure}`);
    return failure;
  }
  return keepsRowBits ? kernels : systemBackend(library, 'portable');
}

/** A kernel that throws has failed as well. */
async function testBackend(kernels: Backend): ReturnType<typeof selfTest> {
  try {
    return await selfTest(kernels);
  } catch (error) {
    return { problems: [messageOf(error)], keepsRowBits: false };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
