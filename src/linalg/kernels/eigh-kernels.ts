import { setFlagsFromString } from 'node:v8';
import type { KernelMemory } from './kernel-memory.js';
import { kernelBytes, loadKernels } from './load-kernels.js';

/** Exports of assembly/householder.ts, which documents them. Pointers and strides are byte counts. */
export interface HouseholderKernels {
  multiplyPanel(panel: number, rows: number, first: number, x: number, y: number, scratch: number): void;
  gatherColumns(
    panel: number,
    rows: number,
    first: number,
    column: number,
    stride: number,
    out: number,
  ): void;
  formReflector(vectors: number, stride: number, first: number, k: number, n: number, out: number): number;
  formW(vectors: number, stride: number, first: number, k: number, tau: number, dots: number): void;
  combine(alpha: number, x: number, beta: number, y: number, length: number, out: number): void;
  negateTransposed(
    rows: number,
    stride: number,
    count: number,
    length: number,
    width: number,
    out: number,
  ): void;
  copyBlock(rows: number, stride: number, count: number, out: number): void;
  gram(rows: number, stride: number, count: number, length: number, out: number): void;
  triangularFactor(gram: number, taus: number, count: number, t: number): void;
}

/** Exports of assembly/unblocked.ts, which documents them. Pointers are byte counts. */
export interface UnblockedKernels {
  reduce(
    a: number,
    n: number,
    diagonal: number,
    offDiagonal: number,
    taus: number,
    vectors: number,
    work: number,
  ): void;
  applyReflectors(vectors: number, taus: number, n: number, z: number, strip: number, products: number): void;
}

/** Exports of assembly/secular.ts, which documents them. Pointers are byte counts. */
export interface SecularKernels {
  findRoots(d: number, squares: number, count: number, rho: number, poles: number, offsets: number): number;
  fitWeights(d: number, z: number, poles: number, offsets: number, count: number, weights: number): void;
  invertNorms(
    d: number,
    weights: number,
    poles: number,
    offsets: number,
    count: number,
    inverseNorms: number,
  ): void;
  formVectors(
    d: number,
    weights: number,
    poles: number,
    offsets: number,
    inverseNorms: number,
    order: number,
    count: number,
    columns: number,
    out: number,
  ): void;
}

/** Exports of assembly/implicit-ql.ts, which documents them. Pointers are byte counts. */
export interface QlKernels {
  implicitQl(d: number, e: number, n: number, rows: number, rotations: number, vectors: number): number;
}

/** Exports of assembly/small-products.ts, which documents them. Pointers are byte counts. */
export interface SmallProductKernels {
  accumulate(a: number, b: number, rows: number, inner: number, columns: number, out: number): void;
}

/** Variant of the kernels of an eigensolver: with fused multiply-add, which is faster and rounds once, or without. */
export type KernelVariant = 'fused' | 'plain';

/** What a variant's names of kernels end with. */
const SUFFIX: Readonly<Record<KernelVariant, string>> = { fused: '.relaxed', plain: '' };

let best: KernelVariant | undefined;

/** Best variant that this engine and processor run. */
export function kernelVariant(): KernelVariant {
  best ??= bestVariant();
  return best;
}

function bestVariant(): KernelVariant {
  const bytes = kernelBytes(`householder${SUFFIX.fused}`);
  if (WebAssembly.validate(bytes)) return 'fused';
  // Node 20 has relaxed SIMD behind a flag, which later versions, having it always, do not know.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  return WebAssembly.validate(bytes) ? 'fused' : 'plain';
}

/** Loads the kernels of the blocked tridiagonalisation and back-transformation over `memory`. */
export function loadHouseholderKernels(memory: KernelMemory, variant: KernelVariant): HouseholderKernels {
  return loadKernels(`householder${SUFFIX[variant]}`, memory);
}

/** Loads the kernels of a small matrix's tridiagonalisation and back-transformation over `memory`. */
export function loadUnblockedKernels(memory: KernelMemory, variant: KernelVariant): UnblockedKernels {
  return loadKernels(`unblocked${SUFFIX[variant]}`, memory);
}

/** Loads the kernels of the secular equation over `memory`. */
export function loadSecularKernels(memory: KernelMemory): SecularKernels {
  return loadKernels('secular', memory);
}

/** Loads the kernel of the QL method over `memory`. */
export function loadQlKernels(memory: KernelMemory): QlKernels {
  return loadKernels('implicit-ql', memory);
}

/** Loads the kernels of small products over `memory`. */
export function loadSmallProductKernels(memory: KernelMemory, variant: KernelVariant): SmallProductKernels {
  return loadKernels(`small-products${SUFFIX[variant]}`, memory);
}
