import { Barrier } from './barrier.js';
import { paddedOrder } from './packed-triangle.js';
import { BLOCK } from './tridiagonalisation.js';

/** Buffers and figures by which another thread opens the same state. */
export interface SharedBuffers {
  n: number;
  threads: number;
  cells: SharedArrayBuffer;
  values: SharedArrayBuffer;
}

/**
 * Memory that the threads of one decomposition share: a barrier, and what they tell each other. Kernels and
 * products cannot work on it (onnxruntime takes no shared memory), so it holds copies, of vectors only.
 */
export class SharedState {
  readonly buffers: SharedBuffers;
  readonly barrier: Barrier;
  readonly #order: number;
  /** Columns of a block, twice, used in turn: who is a round ahead does not overwrite what another still reads. */
  readonly #columns: Float64Array[];
  /** Sums of all threads, twice as well. */
  readonly #sums: Float64Array[];
  #columnsTurn = 0;
  #sumsTurn = 0;

  /**
   * Opens the state in these buffers.
   * @param patience seconds until the other threads are given up, see Barrier
   */
  constructor(buffers: SharedBuffers, patience: number) {
    const { n, threads, cells, values } = buffers;
    const { parts } = layout(n, threads);
    const view = (name: string) => new Float64Array(values, parts[name]!.offset * 8, parts[name]!.length);
    this.buffers = buffers;
    this.barrier = new Barrier(new Int32Array(cells), threads, patience);
    this.#order = paddedOrder(n);
    this.#columns = [view('columns 0'), view('columns 1')];
    this.#sums = [view('sums 0'), view('sums 1')];
  }

  /** Allots the memory for a matrix of order n. */
  static create(n: number, threads: number, patience: number): SharedState {
    const cells = new SharedArrayBuffer(Barrier.BYTES);
    const values = new SharedArrayBuffer(layout(n, threads).length * 8);
    return new SharedState({ n, threads, cells, values }, patience);
  }

  /** Passes a block's columns from the thread that owns them to all, as Share.exchangeColumns says. */
  exchangeColumns(columns: Float64Array, first: number, owned: boolean): void {
    if (this.buffers.threads === 1) return;
    const shared = this.#columns[this.#columnsTurn++ % 2]!;
    if (owned) this.#copyRows(columns, shared, [0, BLOCK], first);
    this.barrier.pass();
    if (!owned) this.#copyRows(shared, columns, [0, BLOCK], first);
  }

  /** Passes each thread's sums to all, as Share.exchangeSums says. */
  exchangeSums(sums: Float64Array, first: number, index: number): void {
    if (this.buffers.threads === 1) return;
    const shared = this.#sums[this.#sumsTurn++ % 2]!;
    this.#copyRows(sums, shared, [index, index + 1], first);
    this.barrier.pass();
    this.#copyRows(shared, sums, [0, index], first);
    this.#copyRows(shared, sums, [index + 1, this.buffers.threads], first);
  }

  /** Copies columns `first` and on of rows firstRow <= i < endRow of a [.., padded n] matrix. */
  #copyRows(
    from: Float64Array,
    to: Float64Array,
    [firstRow, endRow]: readonly [number, number],
    first: number,
  ): void {
    for (let row = firstRow; row < endRow; row++) {
      const at = row * this.#order;
      to.set(from.subarray(at + first, at + this.#order), at + first);
    }
  }
}

/** Stretches of the shared values, by name, and their length together. */
function layout(n: number, threads: number) {
  const order = paddedOrder(n);
  const lengths: Record<string, number> = {
    'columns 0': BLOCK * order,
    'columns 1': BLOCK * order,
    'sums 0': threads * order,
    'sums 1': threads * order,
  };
  const parts: Record<string, { offset: number; length: number }> = {};
  let end = 0;
  for (const [name, length] of Object.entries(lengths)) {
    parts[name] = { offset: end, length };
    end += length;
  }
  return { parts, length: end };
}
