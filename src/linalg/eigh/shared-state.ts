import { Barrier } from './barrier.js';
import { paddedOrder, panelCount, panelLength, SLICES, sliceOfPanel } from './packed-triangle.js';
import { BLOCK } from './tridiagonalisation.js';

/** What it takes to see the same memory from another thread. */
export interface SharedBuffers {
  n: number;
  threads: number;
  cells: SharedArrayBuffer;
  values: SharedArrayBuffer;
}

/** Vectors of the secular equation; see kernels/secular.ts. */
const SECULAR_VECTORS = ['d', 'z', 'poles', 'offsets', 'weights', 'inverseNorms'] as const;

/**
 * The memory that the threads of one decomposition share: a barrier, and what they tell each other. Kernels and
 * products cannot work on it (onnxruntime takes no shared memory), so it holds copies, of vectors only.
 */
export class SharedState {
  readonly buffers: SharedBuffers;
  readonly barrier: Barrier;
  /** The order and the rho of the secular equation in work; order 0 ends the work. */
  readonly problem: Float64Array;
  readonly secular: Readonly<Record<(typeof SECULAR_VECTORS)[number], Float64Array>>;
  readonly #order: number;
  /** Two of each, used in turn: who is a round ahead does not overwrite what another still reads. */
  readonly #columns: Float64Array[];
  readonly #sums: Float64Array[];
  #columnsTurn = 0;
  #sumsTurn = 0;

  /** @param patience see Barrier */
  constructor(buffers: SharedBuffers, patience: number) {
    const { n, threads, cells, values } = buffers;
    const { parts } = layout(n);
    const view = (name: string) => new Float64Array(values, parts[name]!.offset * 8, parts[name]!.length);
    this.buffers = buffers;
    this.barrier = new Barrier(new Int32Array(cells), threads, patience);
    this.problem = view('problem');
    this.secular = Object.fromEntries(
      SECULAR_VECTORS.map((name) => [name, view(name)]),
    ) as typeof this.secular;
    this.#order = paddedOrder(n);
    this.#columns = [view('columns 0'), view('columns 1')];
    this.#sums = [view('sums 0'), view('sums 1')];
  }

  static create(n: number, threads: number, patience: number): SharedState {
    const cells = new SharedArrayBuffer(Barrier.BYTES);
    const values = new SharedArrayBuffer(layout(n).length * 8);
    return new SharedState({ n, threads, cells, values }, patience);
  }

  /** See Share.exchangeColumns. */
  exchangeColumns(columns: Float64Array, first: number, owned: boolean): void {
    const shared = this.#columns[this.#columnsTurn++ % 2]!;
    if (owned) this.#copyRows(columns, shared, range(BLOCK), first);
    this.barrier.pass();
    if (!owned) this.#copyRows(shared, columns, range(BLOCK), first);
  }

  /** See Share.exchangeSums; `slices` are the caller's. */
  exchangeSums(sums: Float64Array, first: number, slices: readonly number[]): void {
    const shared = this.#sums[this.#sumsTurn++ % 2]!;
    this.#copyRows(sums, shared, slices, first);
    this.barrier.pass();
    const others = range(SLICES).filter((slice) => !slices.includes(slice));
    this.#copyRows(shared, sums, others, first);
  }

  /** Columns `first` and on of the given rows of a [.., padded n] matrix. */
  #copyRows(from: Float64Array, to: Float64Array, rows: readonly number[], first: number): void {
    for (const row of rows) {
      const at = row * this.#order;
      to.set(from.subarray(at + first, at + this.#order), at + first);
    }
  }
}

function layout(n: number) {
  const order = paddedOrder(n);
  const lengths: Record<string, number> = {
    problem: 8,
    'columns 0': BLOCK * order,
    'columns 1': BLOCK * order,
    'sums 0': SLICES * order,
    'sums 1': SLICES * order,
  };
  for (const name of SECULAR_VECTORS) lengths[name] = order + 8;
  const parts: Record<string, { offset: number; length: number }> = {};
  let end = 0;
  for (const [name, length] of Object.entries(lengths)) {
    parts[name] = { offset: end, length };
    end += length;
  }
  return { parts, length: end };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The slices of thread `index` of `threads`. */
export function slicesOfThread(index: number, threads: number): number[] {
  return range(SLICES).filter((slice) => slice % threads === index);
}

/** The panels of the given slices of a matrix of order n, and where each begins when they are laid end to end. */
export function panelsOfSlices(n: number, slices: readonly number[]) {
  const panels: { panel: number; offset: number; length: number }[] = [];
  let end = 0;
  for (const panel of range(panelCount(n)).filter((p) => slices.includes(sliceOfPanel(p)))) {
    const length = panelLength(n, panel);
    panels.push({ panel, offset: end, length });
    end += length;
  }
  return { panels, length: end };
}
