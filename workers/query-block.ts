import type { NeighbourQueries, NeighbourSpace, PartitionInput } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { weightedNorms } from '../src/linalg/weighted-norms.js';
import { neighbourKernels } from './neighbour-kernels.js';
import type { ColumnsAt, PartitionReader } from './partition-columns.js';

/** Kernel memory of a block: float32 [d, n], and int32 [n]. */
export type QueryRegions = Record<'queries' | 'rowsOf', Region>;

/** Queries of a unit, whose projections lie in kernel memory by columns. */
export class QueryBlock {
  readonly #queries: NeighbourQueries;
  readonly #d: number;
  readonly #regions: QueryRegions;
  /** Places of those that are left among those of the unit. */
  #places: Int32Array;
  /** What has been asked for of these, by space. */
  readonly #norms = new Map<NeighbourSpace, Float64Array>();

  constructor(queries: NeighbourQueries, d: number, regions: QueryRegions) {
    this.#queries = queries;
    this.#d = d;
    this.#regions = regions;
    this.#places = Int32Array.from(queries.own, (_, place) => place);
  }

  /** Number of queries, n. */
  get count(): number {
    return this.#places.length;
  }

  /** Place of each among the queries of the unit, [n]. */
  get places(): Int32Array {
    return this.#places;
  }

  /** The rows that they are, -1 for vectors from outside, [n]. */
  get own(): Int32Array {
    return this.#places.map((place) => this.#queries.own[place]!);
  }

  /** Where their projections lie. */
  get columns(): ColumnsAt {
    return { offset: this.#regions.queries.offset, columnStride: this.count * 4 };
  }

  /** Brings all of them into kernel memory. */
  async read(partitions: readonly PartitionInput[], reader: PartitionReader): Promise<void> {
    const { projections } = this.#queries;
    if (projections !== null) this.#place(projections);
    else for (const partition of partitions) await this.#gather(partition, reader);
  }

  /** Norms in some coordinates, [n]. */
  norms(space: NeighbourSpace): Float64Array {
    const known = this.#norms.get(space);
    if (known !== undefined) return known;
    const { own, projections } = this.#queries;
    const all =
      projections === null
        ? Float64Array.from(own, (id) => space.norms[id]!)
        : weightedNorms({ vectors: projections, centre: this.centre(space), weights: space.weights });
    const norms = Float64Array.from(this.#places, (place) => all[place]!);
    this.#norms.set(space, norms);
    return norms;
  }

  /** What a measure takes off them that takes the mean row off the rows, [d]; null where that is nothing. */
  centre({ mean }: NeighbourSpace): Float64Array | null {
    return this.#queries.isCentred ? mean : null;
  }

  /** Leaves some of them away. @param kept places among those that are left, rising */
  narrow(kept: Int32Array): void {
    const { offset, columnStride } = this.columns;
    this.#regions.rowsOf.int32.set(kept);
    // In place: nothing is written beyond what has been read.
    neighbourKernels.copyColumns(
      offset,
      this.#d,
      columnStride,
      this.#regions.rowsOf.offset,
      kept.length,
      offset,
      kept.length * 4,
    );
    this.#places = kept.map((place) => this.#places[place]!);
    this.#norms.clear();
  }

  #place(projections: Float32Array): void {
    const { float32 } = this.#regions.queries;
    for (let q = 0; q < this.count; q++)
      for (let j = 0; j < this.#d; j++) float32[j * this.count + q] = projections[q * this.#d + j]!;
  }

  async #gather(partition: PartitionInput, reader: PartitionReader): Promise<void> {
    const { first, count } = partition.rows;
    const { own } = this.#queries;
    const begin = own.findIndex((id) => id >= first);
    const within = own.filter((id) => id >= first && id < first + count);
    if (within.length === 0) return;
    this.#regions.rowsOf.int32.set(within.map((id) => id - first));
    const { offset, columnStride } = await reader.read(partition);
    neighbourKernels.copyColumns(
      offset,
      this.#d,
      columnStride,
      this.#regions.rowsOf.offset,
      within.length,
      this.columns.offset + begin * 4,
      this.columns.columnStride,
    );
  }
}
