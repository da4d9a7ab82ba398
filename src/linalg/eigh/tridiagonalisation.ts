import type { HouseholderKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory, Region } from '../kernels/kernel-memory.js';
import {
  PANEL,
  paddedOrder,
  panelLength,
  panelsOfThread,
  sliceCount,
  sliceOfPanel,
} from './packed-triangle.js';
import type { SizedProduct } from './sized-product.js';

/** Columns reduced before the rest of the matrix is updated; twice that is the inner dimension of the update. */
export const BLOCK = 32;

/** Bytes of what a kernel tells of a column: three values. */
const COLUMN_BYTES = 3 * 8;

/** Column of the tridiagonal matrix, and the scalar of its reflector. */
export interface TridiagonalColumn {
  diagonal: number;
  /** Entry below the one on the diagonal. */
  offDiagonal: number;
  tau: number;
}

/** Share of one thread in the tridiagonalisation. Its kernels and its product work on its own memory. */
export interface Share {
  n: number;
  /** Number of threads, a power of two up to the number of slices. */
  threads: number;
  /** Number of this thread, from 0. */
  index: number;
  memory: KernelMemory;
  kernels: HouseholderKernels;
  /** Product that accumulates. */
  product: SizedProduct;
  /** Fills the owned panels, each [rows, 64], zeros until then, by their numbers. */
  loadPanels(panels: Map<number, Float64Array>): Promise<void>;
  /** Gives all threads the columns of the next block, [BLOCK, padded n], of rows from `first` on. */
  exchangeColumns(columns: Float64Array, first: number, owned: boolean): void;
  /** Gives all threads the sums of each, row `index` of [slices, padded n], columns from `first` on. */
  exchangeSums(sums: Float64Array, first: number): void;
  /** Hears of each column j when it is final, with its reflector, [padded n]. */
  onColumn(j: number, column: TridiagonalColumn, vector: Float64Array): void;
}

/**
 * Reduces a symmetric matrix of norm about 1 to tridiagonal form, A = Q T Q^T with Q = H_0 H_1 ... H_n-2: the
 * blocked Householder method of LAPACK's dsytrd and dlatrd. Threads divide the panels among them; everything but
 * the products with the packed triangle is done by all of them alike, which costs less than more barriers would.
 */
export async function tridiagonalise(share: Share): Promise<void> {
  const reduction = new Reduction(share);
  await reduction.load();
  for (let first = 0; first < share.n; first += BLOCK) {
    reduction.gatherBlock(first);
    for (let k = 0; k < BLOCK && first + k < share.n; k++) reduction.reduceColumn(first, k);
    await reduction.updateTrailing(first + BLOCK);
    // Last, so that thread 0 copies the vectors while the others, which have none to copy, finish their updates.
    reduction.reportColumns(first);
  }
}

/** State of one thread's tridiagonalisation, block by block. */
class Reduction {
  readonly #share: Share;
  readonly #order: number;
  /** Bytes of a vector. */
  readonly #stride: number;
  /** Slices whose sums are added. */
  readonly #slices: number;
  /** Owned panels with their numbers. */
  readonly #panels: readonly (readonly [number, Region])[];
  readonly #panelsReversed: readonly (readonly [number, Region])[];
  /** Columns of the block, each of which becomes a vector v, and below them its vectors w, [2 BLOCK, order]. */
  readonly #vectors: Region;
  readonly #sums: Region;
  /** Of each column of the block, as far as they are reduced, its diagonal, its off-diagonal and its tau, [BLOCK, 3]. */
  readonly #columns: Region;
  /** Left operand of the update, -(v w) as columns, [order, 2 BLOCK]. */
  readonly #left: Region;
  /** Right operand of the update, (w v) at one panel's columns, [2 BLOCK, PANEL]; scratch between updates. */
  readonly #right: Region;

  constructor(share: Share) {
    const { n, memory } = share;
    const owned = panelsOfThread(n, share.index, share.threads);
    this.#share = share;
    this.#order = paddedOrder(n);
    this.#stride = this.#order * 8;
    this.#slices = sliceCount(n);
    const regions = memory.allot<string>({
      ...Object.fromEntries(owned.map((p) => [`panel ${p}`, panelLength(n, p) * 8])),
      // Behind the panels: kernels touch the memory that follows them.
      vectors: 2 * BLOCK * this.#stride,
      sums: this.#slices * this.#stride,
      columns: BLOCK * COLUMN_BYTES,
      left: 2 * BLOCK * this.#stride,
      right: 2 * BLOCK * PANEL * 8,
    });
    this.#vectors = regions.vectors!;
    this.#vectors.float64.fill(0);
    this.#sums = regions.sums!;
    this.#columns = regions.columns!;
    this.#left = regions.left!;
    this.#right = regions.right!;
    this.#panels = owned.map((p) => [p, regions[`panel ${p}`]!]);
    this.#panelsReversed = this.#panels.toReversed();
  }

  /** Fills the panels. */
  async load(): Promise<void> {
    await this.#share.loadPanels(new Map(this.#panels.map(([p, { float64 }]) => [p, float64.fill(0)])));
  }

  /** Fetches the columns first <= j < first + BLOCK, of the rows from `first` on. */
  gatherBlock(first: number): void {
    const { kernels, exchangeColumns } = this.#share;
    const p = Math.floor(first / PANEL);
    const panel = this.#panels.find(([number]) => number === p)?.[1];
    const from = first - p * PANEL;
    if (panel) {
      const out = this.#vectors.offset + p * PANEL * 8;
      kernels.gatherColumns(panel.offset, this.#order - p * PANEL, from, from, this.#stride, out);
    }
    exchangeColumns(this.#vectors.float64.subarray(0, BLOCK * this.#order), first, panel !== undefined);
  }

  /**
   * Reduces column first + k: its v and its w. Vectors are used from row `first` on, where their alignment is known.
   */
  reduceColumn(first: number, k: number): void {
    const { n, kernels } = this.#share;
    const stride = this.#stride;
    const vectors = this.#vectors.offset;
    const column = this.#columns.offset + k * COLUMN_BYTES;
    if (kernels.formReflector(vectors, stride, first, k, n, column) === 0) return;
    const v = vectors + k * stride + first * 8;
    this.#multiply(first, first + k + 1, v, v + BLOCK * stride);
    kernels.formW(vectors, stride, first, k, this.#columns.float64[3 * k + 2]!, this.#right.offset);
  }

  /** Passes on the columns from `first` on, before gatherBlock overwrites their vectors. */
  reportColumns(first: number): void {
    const { n, onColumn } = this.#share;
    const values = this.#columns.float64;
    for (let k = 0; k < BLOCK && first + k < n; k++) {
      const [diagonal, offDiagonal, tau] = [values[3 * k]!, values[3 * k + 1]!, values[3 * k + 2]!];
      onColumn(first + k, { diagonal, offDiagonal, tau }, this.#vector(k));
    }
  }

  /** Vector v of the block's column k. */
  #vector(k: number): Float64Array {
    return this.#vectors.float64.subarray(k * this.#order, (k + 1) * this.#order);
  }

  /** Multiplies w = A v with the packed triangle as it was at the block's start; v is zero above row `support`. */
  #multiply(first: number, support: number, v: number, w: number): void {
    const { index, threads, kernels, exchangeSums } = this.#share;
    const sums = this.#sums;
    for (let slice = index; slice < this.#slices; slice += threads) {
      sums.float64.fill(0, slice * this.#order + first, (slice + 1) * this.#order);
    }
    // To and fro, so that a triangle that is larger than the cache finds there what was read last.
    for (const [p, panel] of support % 2 === 0 ? this.#panels : this.#panelsReversed) {
      const row = p * PANEL;
      if (row + PANEL <= support) continue;
      const y = sums.offset + sliceOfPanel(p) * this.#stride + row * 8;
      const x = v + (row - first) * 8;
      // Kernels take rows in fours.
      const from = Math.max(0, (support - row) & -4);
      kernels.multiplyPanel(panel.offset, this.#order - row, from, x, y, this.#right.offset);
    }
    this.#addSlices(this.#slices, threads, first, w);
    exchangeSums(sums.float64, first);
    this.#addSlices(threads, 1, first, w);
  }

  /**
   * Adds slice i + h to slice i for h = from / 2, ..., to, as far as this thread has them, and the last two into
   * `total`: down to as many slices as threads each thread has what it takes, below that every thread has all.
   */
  #addSlices(from: number, to: number, first: number, total: number): void {
    const { index, threads, kernels } = this.#share;
    const slice = (i: number) => this.#sums.offset + i * this.#stride + first * 8;
    for (let h = from / 2; h >= to; h /= 2) {
      for (let i = h >= threads ? index : 0; i < h; i += h >= threads ? threads : 1) {
        kernels.combine(1, slice(i + h), 1, slice(i), this.#order - first, h === 1 ? total : slice(i));
      }
    }
  }

  /** Updates A -= v w^T + w v^T for the rows and columns from `next` on. */
  async updateTrailing(next: number): Promise<void> {
    if (next >= this.#share.n) return;
    const { kernels, product } = this.#share;
    const order = this.#order;
    const stride = this.#stride;
    const inner = 2 * BLOCK;
    const v0 = this.#vectors.offset;
    const w0 = v0 + BLOCK * stride;
    kernels.negateTransposed(v0 + next * 8, stride, inner, order - next, inner, this.#left.offset);
    for (const [p, panel] of this.#panels) {
      const row = p * PANEL;
      if (row + PANEL <= next) continue;
      kernels.copyBlock(w0 + row * 8, stride, BLOCK, this.#right.offset);
      kernels.copyBlock(v0 + row * 8, stride, BLOCK, this.#right.offset + BLOCK * PANEL * 8);
      const first = Math.max(row, next);
      const rows = order - first;
      await product.accumulate(
        {
          values: this.#left.float64.subarray((first - next) * inner, (order - next) * inner),
          rows,
          columns: inner,
        },
        { values: this.#right.float64, rows: inner, columns: PANEL },
        { values: panel.float64.subarray((first - row) * PANEL), rows, columns: PANEL },
      );
    }
  }
}
