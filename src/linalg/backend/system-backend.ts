import { availableParallelism } from 'node:os';
import { RunError } from '../../errors.js';
import type { Eigendecomposition } from '../eigh/eigh.js';
import { checkOuterShapes, checkShapes, checkWhole, type Matrix } from '../matrix.js';
import type { FixedOperand } from '../onnx-operator.js';
import { checkSymmetricInput } from '../symmetric-input.js';
import { transposeInPlace } from '../transpose.js';
import type { Backend, FixedMultiplication, Multiplication, Multiplier, OuterSums } from './backend.js';
import type { NativeFunction } from './koffi.js';
import { portableBackend } from './portable-backend.js';
import { readMatrix } from './read-matrix.js';
import type { SystemLibrary } from './system-library.js';

/** Enumerator of cblas.h: matrices are row-major. */
const CBLAS_ROW_MAJOR = 101;
/** Enumerators of cblas.h: an operand is not transposed, or is. */
const CBLAS_NO_TRANS = 111;
const CBLAS_TRANS = 112;

/** Longest workspace, whose length LAPACK counts in 32-bit integers. */
const LARGEST_INT = 2 ** 31 - 1;

/**
 * Backend over a system library. Products run on the calling thread, as onnxruntime's do; the eigensolver runs on a
 * thread of libuv's pool, so that an interruption is heard meanwhile.
 * @param float32 'portable' where the library's own float32 product gives equal rows different bits, or is slower
 * @param sums 'portable' where the library is slower at adding up products of few columns
 */
export function systemBackend(
  library: SystemLibrary,
  { float32, sums }: { float32: Multiplier; sums: Multiplier },
): Backend {
  const { library: name, lapack, version } = library;
  const identity = {
    backend: 'system' as const,
    library: name,
    version,
    float32: float32 === 'system' ? `${name} ${version}` : portableBackend.identity.float32,
    ...(sums === 'system' ? {} : { sums: portableBackend.identity.float32 }),
  };
  return {
    identity,
    choice: { backend: 'system', library: name, lapack, float32, ...(sums === 'system' ? {} : { sums }) },
    fixedProduct: async (b, threads) =>
      float32 === 'system'
        ? fixedMultiplication(library, b, threads)
        : portableBackend.fixedProduct(b, threads),
    product: async (threads) => multiplication(library, threads),
    outerProducts: async (threads) =>
      sums === 'system' ? outerSums(library, threads) : portableBackend.outerProducts(threads),
    eigh: (matrix, n, { threads = availableParallelism() } = {}) => eigh(library, matrix, n, threads),
  };
}

function fixedMultiplication(
  library: SystemLibrary,
  operand: FixedOperand,
  threads: number,
): FixedMultiplication {
  const b = 'file' in operand ? readMatrix(operand) : operand;
  checkWhole(b);
  const gemm = gemmOf<Float32Array>(library, library.sgemm, threads);
  return { multiply: async (a, out) => gemm(a, b, out), release: async () => {} };
}

function multiplication(library: SystemLibrary, threads: number): Multiplication {
  const gemm = gemmOf<Float64Array>(library, library.dgemm, threads);
  return { multiply: async (a, b, out) => gemm(a, b, out), release: async () => {} };
}

function outerSums(library: SystemLibrary, threads: number): OuterSums {
  const gemm = gemmOf<Float64Array>(library, library.dgemm, threads, { isOuter: true });
  return { add: async (a, b, out) => gemm(a, b, out), release: async () => {} };
}

/** Function of a library that computes out = A B, where out is not read; or, of outer products, out += A B^T. */
function gemmOf<T extends Float32Array | Float64Array>(
  library: SystemLibrary,
  gemm: NativeFunction,
  threads: number,
  { isOuter = false } = {},
): (a: Matrix<T>, b: Matrix<T>, out: Matrix<T>) => void {
  const check = isOuter ? checkOuterShapes : checkShapes;
  const [ofB, beta] = isOuter ? [CBLAS_TRANS, 1] : [CBLAS_NO_TRANS, 0];
  return (a, b, out) => {
    check(a, b, out);
    const [m, k, n] = [a.rows, a.columns, out.columns];
    // One setting for the process: another thread may have changed it since the last call.
    library.setThreads(threads);
    gemm(
      ...[CBLAS_ROW_MAJOR, CBLAS_NO_TRANS, ofB, m, n, k],
      ...[1, a.values, Math.max(1, k), b.values, Math.max(1, b.columns), beta, out.values, Math.max(1, n)],
    );
  };
}

/**
 * Eigendecomposition by LAPACK's dsyevd. Memory beyond matrix and eigenvectors: its workspace of 2 n^2 + 6 n + 1
 * values.
 * @param matrix [n, n] row-major; only its lower triangle is read; not modified
 */
async function eigh(
  library: SystemLibrary,
  matrix: Float64Array,
  n: number,
  threads: number,
): Promise<Eigendecomposition> {
  checkSymmetricInput(matrix, n);
  // The lower triangle of a row-major matrix is the upper one of a column-major matrix.
  const vectors = matrix.slice();
  const eigenvalues = new Float64Array(n);
  const problem = { vectors, eigenvalues, n };
  const [workSize, integerWorkSize] = [new Float64Array(1), new Int32Array(1)];
  library.setThreads(threads);
  await dsyevd(library, problem, [workSize, -1], [integerWorkSize, -1]);
  const workLength = Math.max(workSize[0]!, 1 + 6 * n + 2 * n * n);
  if (workLength > LARGEST_INT) {
    throw new RunError(
      `${library.library}: dsyevd with 32-bit integers cannot decompose a matrix of order ${n}. Try --backend portable`,
    );
  }
  const integerLength = Math.max(integerWorkSize[0]!, 3 + 5 * n);
  const work = new Float64Array(workLength);
  await dsyevd(library, problem, [work, workLength], [new Int32Array(integerLength), integerLength]);
  // LAPACK gives eigenvector j as column j of a column-major matrix, which is row j here.
  transposeInPlace(vectors, n);
  return { eigenvalues, eigenvectors: vectors };
}

/**
 * Calls dsyevd, with the workspaces and their lengths; a length of -1 asks how long they must be.
 * @throws RunError where it reports a failure
 */
async function dsyevd(
  { library, dsyevd: native }: SystemLibrary,
  { vectors, eigenvalues, n }: { vectors: Float64Array; eigenvalues: Float64Array; n: number },
  [work, workLength]: readonly [Float64Array, number],
  [integerWork, integerLength]: readonly [Int32Array, number],
): Promise<void> {
  const info = Int32Array.of(0);
  const order = Int32Array.of(n);
  await calledAside(native, [
    ...[Buffer.from('V'), Buffer.from('U'), order, vectors, order, eigenvalues],
    ...[work, Int32Array.of(workLength), integerWork, Int32Array.of(integerLength), info, 1, 1],
  ]);
  if (info[0]! < 0) throw new RunError(`${library}: dsyevd refused its argument ${-info[0]!}`);
  if (info[0]! > 0) {
    throw new RunError(
      `${library}: dsyevd did not converge (info = ${info[0]}) on a matrix of order ${n}. ` +
        'Try --backend portable',
    );
  }
}

/** Calls a native function on a thread of libuv's pool. The callback holds `args`, whose memory the call uses. */
function calledAside(native: NativeFunction, args: readonly unknown[]): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    native.async(...args, (error) => (error ? reject(error) : resolve(args)));
  });
}
