import type { Eigendecomposition } from '../eigh/eigh.js';
import type { FixedProduct } from '../fixed-product.js';
import type { FixedOperand } from '../onnx-operator.js';
import type { OuterProducts } from '../outer-products.js';
import type { Product } from '../product.js';

/** Backends that can be asked for; `auto` ends as `portable` or `system`. */
export const backendNames = ['auto', 'portable', 'system', 'webgpu'] as const;
/** Name of a backend that can be asked for. */
export type BackendName = (typeof backendNames)[number];

/** Product out = A B in float32 with a fixed B, row-major, shapes checked at the door: see `FixedProduct`. */
export interface FixedMultiplication extends Pick<FixedProduct, 'multiply' | 'release'> {
  /**
   * Whether it multiplies elsewhere: A may be written again as soon as the call has returned, and the next strip be made
   * while this one is multiplied.
   */
  readonly isAside?: boolean;
}

/** Product out = A B in float64, row-major, shapes checked at the door: see `Product`. */
export type Multiplication = Pick<Product, 'multiply' | 'release'>;

/** Sums out += A B^T in float64, row-major, shapes checked at the door: see `OuterProducts`. */
export type OuterSums = Pick<OuterProducts, 'add' | 'release'>;

/** Identity of a backend, which manifest, plan and records name, since the last bits of a run depend on it. */
export interface BackendIdentity {
  backend: 'portable' | 'system' | 'webgpu';
  /** Name or absolute path by which the library was loaded; 'onnxruntime-node' where it is no system library. */
  library: string;
  /** Version as the library itself gives it. */
  version: string;
  /**
   * Library and version that multiply float32; another one where the system's does not keep the bits of a row, and the
   * adapter with its driver where a device multiplies.
   */
  float32: string;
  /** Library and version that adds up products in float64, as for a covariance, where it is another one. */
  sums?: string;
}

/** Who computes some of a system backend's products: onnxruntime, or the library. */
export type Multiplier = 'portable' | 'system';

/** Choice of a backend as plain data, which crosses the thread boundary. `lapack` is null where `library` holds it. */
export type BackendChoice =
  | { backend: 'portable' }
  | { backend: 'system'; library: string; lapack: string | null; float32: Multiplier; sums?: 'portable' }
  | { backend: 'webgpu'; adapter: string };

/**
 * Backend of a run: its dense products and its eigensolver. In float32 products, which project rows, an element's
 * bits depend only on its row of A and its column of B, as long as A has at least two rows. `threads` is how many
 * threads one call may use.
 */
export interface Backend {
  readonly identity: BackendIdentity;
  readonly choice: BackendChoice;
  /** Why it was chosen, where nobody asked for it by name. */
  readonly reason?: string;
  /**
   * Product with a right operand that stays the same, arranged for the processor once.
   * @param b [k, n], not to be changed while the product is used
   */
  fixedProduct(b: FixedOperand, threads: number): Promise<FixedMultiplication>;
  /** Product in float64. */
  product(threads: number): Promise<Multiplication>;
  /** Sums of outer products in float64. */
  outerProducts(threads: number): Promise<OuterSums>;
  /** All eigenvalues and eigenvectors of a symmetric matrix, with the contract of `eigh` in ../eigh/eigh.ts. */
  eigh(matrix: Float64Array, n: number, options?: { threads?: number }): Promise<Eigendecomposition>;
}

/** Whether two identities promise the same bits. */
export function sameBackend(a: BackendIdentity, b: BackendIdentity): boolean {
  return (
    a.backend === b.backend &&
    a.library === b.library &&
    a.version === b.version &&
    a.float32 === b.float32 &&
    a.sums === b.sums
  );
}

/** One line that names a backend, its library, and those of its float32 products and its sums where they are others. */
export function backendLabel({ backend, library, version, float32, sums }: BackendIdentity): string {
  const name = `${library} ${version}`;
  const others = [
    float32 === name ? '' : `; float32 by ${float32}`,
    sums === undefined ? '' : `; covariances by ${sums}`,
  ];
  return `${backend}, ${name}${others.join('')}`;
}
