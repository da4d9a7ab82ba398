import { release } from 'node:os';
import type { Koffi, NativeFunction, NativeLibrary } from './koffi.js';

/** Names of a system library, for the loader, or absolute paths. */
export interface LibraryNames {
  library: string;
  /** LAPACK beside it, tried where `library` itself has no dsyevd; null: there is none to try. */
  lapack: string | null;
}

/** CBLAS and LAPACK with 32-bit integers (LP64), loaded and bound. */
export interface SystemLibrary extends LibraryNames {
  version: string;
  /** cblas_sgemm(order, transA, transB, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc). */
  sgemm: NativeFunction;
  /** cblas_dgemm, with the arguments of cblas_sgemm. */
  dgemm: NativeFunction;
  /** LAPACK's dsyevd_, every argument a pointer, and the lengths of its two strings at the end. */
  dsyevd: NativeFunction;
  /**
   * Sets how many threads the following calls use, in the whole process for OpenBLAS and MKL, on the calling thread for
   * BLIS. A library of another kind (Accelerate) decides by itself. The last bits of dsyevd depend on the number, so
   * calls that ask for different ones must not overlap in a process: the stages of a run do not, two runs would.
   */
  setThreads(threads: number): void;
}

const BESIDE_BLIS = 'liblapack.so.3';

/** Libraries to look for, in this order: OpenBLAS, MKL, BLIS with a LAPACK beside it, Accelerate. */
export const knownLibraries: readonly LibraryNames[] = librariesOf(process.platform);

function librariesOf(platform: NodeJS.Platform): LibraryNames[] {
  const whole = (library: string) => ({ library, lapack: null });
  switch (platform) {
    case 'darwin':
      return [
        whole('libopenblas.dylib'),
        // Homebrew links neither of them into a folder that the loader searches.
        whole('/opt/homebrew/opt/openblas/lib/libopenblas.dylib'),
        whole('/usr/local/opt/openblas/lib/libopenblas.dylib'),
        whole('libmkl_rt.dylib'),
        whole('/System/Library/Frameworks/Accelerate.framework/Accelerate'),
      ];
    case 'win32':
      return ['libopenblas.dll', 'mkl_rt.2.dll', 'mkl_rt.dll'].map(whole);
    default:
      return [
        ...['libopenblas.so.0', 'libopenblas.so', 'libmkl_rt.so.2', 'libmkl_rt.so'].map(whole),
        ...['libblis.so.4', 'libblis.so'].map((library) => ({ library, lapack: BESIDE_BLIS })),
      ];
  }
}

/** Names to try for a library that the user gives. */
export function libraryNamed(library: string): LibraryNames {
  return {
    library,
    lapack: process.platform === 'win32' || process.platform === 'darwin' ? null : BESIDE_BLIS,
  };
}

const integers = (count: number) => Array.from<string>({ length: count }).fill('int');
const pointers = (count: number) => Array.from<string>({ length: count }).fill('void *');

/** Loads a library and binds what a backend needs of it. @throws Error that says what is wrong with the library */
export function openSystemLibrary(koffi: Koffi, { library, lapack }: LibraryNames): SystemLibrary {
  const blas = koffi.load(library);
  const { version, problem } = versionOf(blas, library);
  if (problem !== null) throw new Error(problem);
  const gemm = (name: string, real: string) =>
    required(blas, `cblas_${name}`, 'void', [
      ...integers(6),
      ...[real, 'void *', 'int', 'void *', 'int', real, 'void *', 'int'],
    ]);
  const sgemm = gemm('sgemm', 'float');
  const dgemm = gemm('dgemm', 'double');
  const dsyevdTypes = [...pointers(11), 'size_t', 'size_t'];
  const own = optional(blas, 'dsyevd_', 'void', dsyevdTypes);
  if (own === null && lapack === null) throw new Error('it has no dsyevd_: it is not a LAPACK');
  const other = own === null ? koffi.load(lapack!) : null;
  const libraries = other === null ? [blas] : [blas, other];
  const controls = libraries.flatMap(threadControls);
  return {
    library,
    lapack: other === null ? null : lapack,
    version: other === null ? version : `${version}, LAPACK of ${lapack}`,
    sgemm,
    dgemm,
    dsyevd: own ?? required(other!, 'dsyevd_', 'void', dsyevdTypes),
    setThreads: (threads) => {
      for (const set of controls) set(threads);
    },
  };
}

/** Version in the library's own words, and why it cannot be used, if so. */
function versionOf(blas: NativeLibrary, library: string): { version: string; problem: string | null } {
  const wide = 'it has 64-bit integers (ILP64); the build with 32-bit integers (LP64) is needed';
  if (
    optional(blas, 'cblas_dgemm64_', 'void', []) !== null &&
    optional(blas, 'cblas_dgemm', 'void', []) === null
  )
    return { version: '', problem: wide };
  const openblas = optional(blas, 'openblas_get_config', 'str', [])?.() as string | undefined;
  if (openblas !== undefined)
    return { version: openblas.trim(), problem: /\bUSE64BITINT\b/.test(openblas) ? wide : null };
  const mkl = optional(blas, 'MKL_Get_Version_String', 'void', ['void *', 'int']);
  if (mkl !== null) {
    // The first call of a process settles it; 0 is LP64.
    const layer = optional(blas, 'MKL_Set_Interface_Layer', 'int', ['int'])?.(0) as number | undefined;
    const text = Buffer.alloc(256);
    mkl(text, text.length);
    const isWide = layer !== undefined && layer >= 0 && (layer & 1) === 1;
    return { version: text.toString('latin1').replace(/[\0 ]+$/, ''), problem: isWide ? wide : null };
  }
  const blis = optional(blas, 'bli_info_get_version_str', 'str', [])?.() as string | undefined;
  if (blis !== undefined) {
    const bits = optional(blas, 'bli_info_get_blas_int_type_size', 'int64_t', [])?.();
    return { version: `BLIS ${blis}`, problem: Number(bits) === 64 ? wide : null };
  }
  const isAccelerate = library.includes('Accelerate.framework');
  return { version: isAccelerate ? `Darwin ${release()}` : 'unknown version', problem: null };
}

/** Functions of a library that set its number of threads. */
function threadControls(library: NativeLibrary): NativeFunction[] {
  const controls = [
    optional(library, 'openblas_set_num_threads', 'void', ['int']),
    // Not mkl_set_num_threads, which is for Fortran and takes a pointer.
    optional(library, 'MKL_Set_Num_Threads', 'void', ['int']),
    optional(library, 'bli_thread_set_num_threads', 'void', ['int64_t']),
  ];
  return controls.filter((control) => control !== null);
}

function required(
  library: NativeLibrary,
  name: string,
  result: string,
  types: readonly string[],
): NativeFunction {
  try {
    return library.func(name, result, types);
  } catch (cause) {
    throw new Error(`it has no ${name}: it is not a ${name.startsWith('cblas') ? 'CBLAS' : 'LAPACK'}`, {
      cause,
    });
  }
}

function optional(
  library: NativeLibrary,
  name: string,
  result: string,
  types: readonly string[],
): NativeFunction | null {
  try {
    return library.func(name, result, types);
  } catch {
    return null;
  }
}
