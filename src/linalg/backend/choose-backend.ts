import { statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../../errors.js';
import type { Backend, BackendIdentity, BackendName, Multiplier } from './backend.js';
import { connectDevice, refuseOtherThreads } from './device-thread.js';
import { type Koffi, loadKoffi } from './koffi.js';
import { type LibraryRates, libraryRates } from './library-rates.js';
import { portableBackend } from './portable-backend.js';
import { processorFamily } from './processor-class.js';
import { DEVICE_ROW_SHAPES, ROW_SHAPES, type RowShapes, selfTest } from './self-test.js';
import { systemBackend } from './system-backend.js';
import { knownLibraries, type LibraryNames, libraryNamed, openSystemLibrary } from './system-library.js';
import { findAdapter } from './webgpu-adapter.js';
import { webgpuBackend } from './webgpu-backend.js';

/** Backend that the user asks for, and what a choice must fit. */
export interface BackendWish {
  backend: BackendName;
  /** A library by file, or by a name that the loader finds; undefined: the known ones are looked for. */
  blas?: string | undefined;
  /** Backend of the run that is to be continued, if any: `auto` takes it again, if it is one that is looked for by itself. */
  recorded?: BackendIdentity | null;
}

/** Surroundings of a choice, which tests replace. */
export interface Surroundings {
  loadKoffi: () => Promise<Koffi>;
  /** Libraries to look for, in this order. */
  libraries: readonly LibraryNames[];
  /** Finds a device, which is not tested yet. @throws InputError where there is none */
  findDevice: () => Promise<Backend>;
  /** How fast a library multiplies here; null where nobody has measured it. */
  ratesOf: (identity: BackendIdentity) => LibraryRates | null;
}

/** What this machine has. */
const machine: Surroundings = {
  loadKoffi,
  libraries: knownLibraries,
  findDevice: async () => {
    refuseOtherThreads();
    return webgpuBackend(await findAdapter(), connectDevice);
  },
  ratesOf: (identity) => libraryRates(identity, processorFamily()),
};

/**
 * Chooses the backend of a run. `auto` takes the first system library that loads, passes the self-test and is not known to
 * be slower on this kind of processor, and the portable backend where there is none; so on one machine it is always the
 * same. Whoever names a library has asked for it, also in `auto`. A device is taken only where it is asked for, or has begun
 * the run.
 * @param note told when a library loads and is not taken
 * @throws InputError when a system library or a device is asked for and cannot be used
 */
export async function chooseBackend(
  { backend, blas, recorded = null }: BackendWish,
  note: (line: string) => void,
  { loadKoffi: load, libraries, findDevice, ratesOf }: Surroundings = machine,
): Promise<Backend> {
  if (backend === 'portable' || backend === 'webgpu') {
    if (blas === undefined) return backend === 'portable' ? portableBackend : testedDevice(findDevice);
    throw new InputError(`--blas ${blas} asks for a system library, --backend ${backend} for none: give one`);
  }
  if (backend === 'auto' && blas === undefined && recorded?.backend === 'webgpu')
    return testedDevice(findDevice);
  const isDemanded = backend === 'system' || blas !== undefined;
  if (!isDemanded && recorded?.backend === 'portable') return because(portableBackend, BEGUN);
  let koffi: Koffi;
  try {
    koffi = await load();
  } catch (cause) {
    if (!isDemanded)
      return because(portableBackend, 'koffi, by which system libraries are called, cannot be loaded');
    throw new InputError(
      `a system library is called through koffi, which cannot be loaded (${messageOf(cause)}): ` +
        'run `npm install --include=optional`, or give --backend portable',
      { cause },
    );
  }
  const candidates = candidatesOf(blas, isDemanded ? null : recorded, libraries);
  const refusals: string[] = [];
  const slower: string[] = [];
  // What has begun a run goes on with it, however fast it is.
  const rated = isDemanded || recorded !== null ? () => null : ratesOf;
  for (const names of candidates) {
    const outcome = await tryLibrary(koffi, names, { note, ratesOf: rated, recorded });
    if ('backend' in outcome) {
      const { backend, rates } = outcome;
      if (isDemanded) return backend;
      if (recorded !== null) return because(backend, BEGUN);
      return because(backend, rates === null ? FIRST_FOUND : `${FIRST_FOUND}: ${ratesText(rates)}`);
    }
    if (outcome.isSlower) slower.push(outcome.refusal);
    refusals.push(`${names.library}: ${outcome.refusal}`);
  }
  if (!isDemanded)
    return because(portableBackend, slower.length > 0 ? slower.join('; ') : 'no system library can be used');
  const advice =
    blas === undefined
      ? 'Install one (Debian and Ubuntu: apt install libopenblas0; Fedora: dnf install openblas-threads; ' +
        'macOS: brew install openblas), name one with --blas, or give --backend portable'
      : 'Name another one, or give --backend portable';
  const [only, ...others] = refusals;
  const reasons = others.length === 0 ? ` ${only}. ` : `\n  ${refusals.join('\n  ')}\n`;
  throw new InputError(`no system library can be used:${reasons}${advice}`);
}

const BEGUN = 'the run was begun with it';
const FIRST_FOUND = 'the first library found that is not known to be slower here';

function because(backend: Backend, reason: string): Backend {
  return { ...backend, reason };
}

/** Libraries to try. What a file of a run names is code that would run: it chooses among the known ones alone. */
function candidatesOf(
  blas: string | undefined,
  recorded: BackendIdentity | null,
  libraries: readonly LibraryNames[],
): readonly LibraryNames[] {
  if (blas !== undefined) return [libraryNamed(isPath(blas) ? path.resolve(blas) : blas)];
  const known = libraries.filter(({ library }) => library === recorded?.library);
  return known.length > 0 ? known : libraries;
}

/** A bare name is for the loader to find, anything else is a file. */
function isPath(library: string): boolean {
  return /[\\/]/.test(library);
}

/** Whether something stands there that the loader would read without an end, or wait for. */
function isSpecial(library: string): boolean {
  try {
    return isPath(library) && !statSync(library).isFile();
  } catch {
    // The loader says why it has none, or finds one that is no file, as on macOS.
    return false;
  }
}

/** What does which products beside a library. */
type Multipliers = Record<'float32' | 'sums', Multiplier>;

/** Backend over a library, or why it is not taken. */
type Tried = { backend: Backend; rates: LibraryRates | null } | { refusal: string; isSlower: boolean };

async function tryLibrary(
  koffi: Koffi,
  names: LibraryNames,
  {
    note,
    ratesOf,
    recorded,
  }: { note: (line: string) => void; ratesOf: Surroundings['ratesOf']; recorded: BackendIdentity | null },
): Promise<Tried> {
  const refused = (refusal: string) => ({ refusal, isSlower: false });
  if (isSpecial(names.library)) return refused('is no regular file');
  let library: ReturnType<typeof openSystemLibrary>;
  try {
    library = openSystemLibrary(koffi, names);
  } catch (error) {
    return refused(messageOf(error));
  }
  const backend = systemBackend(library, { float32: 'system', sums: 'system' });
  const rates = ratesOf(backend.identity);
  if (rates !== null && rates.float64 <= 1) {
    const refusal = `${library.version} is slower here: ${ratesText(rates)}`;
    note(refusal);
    return { refusal, isSlower: true };
  }
  const { problems, keepsRowBits } = await testBackend(backend, ROW_SHAPES);
  if (problems.length > 0) {
    const failure = `fails the self-test: ${problems.join('; ')}`;
    note(`${names.library} ${failure}`);
    return refused(failure);
  }
  const { float32, sums } = multipliersOf(backend.identity, recorded) ?? fastest(rates);
  return { backend: systemBackend(library, { float32: keepsRowBits ? float32 : 'portable', sums }), rates };
}

/** What multiplies fastest beside a library: itself, where it is not known to be slower. */
function fastest(rates: LibraryRates | null): Multipliers {
  const faster = (rate = Number.POSITIVE_INFINITY): Multiplier => (rate > 1 ? 'system' : 'portable');
  return { float32: faster(rates?.float32), sums: faster(rates?.sums) };
}

/** What has multiplied beside a library in a run that is to go on; null where the library has not. */
function multipliersOf(
  { library }: Pick<BackendIdentity, 'library'>,
  recorded: BackendIdentity | null,
): Multipliers | null {
  if (recorded?.backend !== 'system' || recorded.library !== library) return null;
  return {
    float32: recorded.float32 === `${library} ${recorded.version}` ? 'system' : 'portable',
    sums: recorded.sums === undefined ? 'system' : 'portable',
  };
}

function ratesText({ processor, float32, float64, sums }: LibraryRates): string {
  const rates = `float32 products at ${float32}, float64 ones at ${float64}`;
  const all = sums === undefined ? rates : `${rates}, sums of covariances at ${sums}`;
  return `${all} of onnxruntime's rate, as measured on ${processor}`;
}

/** Finds a device and tests it. @throws InputError where there is none, or it computes wrongly */
async function testedDevice(findDevice: Surroundings['findDevice']): Promise<Backend> {
  const backend = await findDevice();
  const { problems, keepsRowBits } = await testBackend(backend, DEVICE_ROW_SHAPES);
  if (!keepsRowBits) problems.push('equal rows have different products');
  if (problems.length === 0) return backend;
  throw new InputError(
    `${backend.identity.float32} fails the self-test: ${problems.join('; ')}. Try another driver, or give --backend portable`,
  );
}

/** Runs the self-test; a backend that throws has failed it as well. */
async function testBackend(backend: Backend, rowShapes: RowShapes): ReturnType<typeof selfTest> {
  try {
    return await selfTest(backend, rowShapes);
  } catch (error) {
    return { problems: [messageOf(error)], keepsRowBits: true };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
