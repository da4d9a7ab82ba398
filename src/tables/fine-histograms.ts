import { FINE_BINS, type FineGrid, fineGrid, shiftBetween } from './fine-grid.js';

/** Fine histograms of every column over some rows. */
export interface ColumnHistograms {
  /** Smallest p of each column, [d]. */
  minima: Float64Array;
  /** Largest p of each column, [d]. */
  maxima: Float64Array;
  /** Counts of z = root p, int32 [d, FINE_BINS], on the grid of its extremes. */
  counts: Int32Array;
}

/** Merges the histograms of parts; the order of the parts does not matter. */
export class FineHistograms {
  readonly #roots: Float64Array;
  readonly #merged: ColumnHistograms;
  /** Grids of the merged columns. */
  readonly #grids: FineGrid[] = [];

  /**
   * Begins without a part.
   * @param roots square roots of lambda, [d]
   */
  constructor(roots: Float64Array) {
    const d = roots.length;
    this.#roots = roots;
    this.#merged = {
      minima: new Float64Array(d).fill(Number.POSITIVE_INFINITY),
      maxima: new Float64Array(d).fill(Number.NEGATIVE_INFINITY),
      counts: new Int32Array(d * FINE_BINS),
    };
  }

  /** Adds the histograms of a part. */
  add(part: ColumnHistograms): void {
    const { minima, maxima, counts } = this.#merged;
    for (let j = 0; j < minima.length; j++) {
      const start = j * FINE_BINS;
      const before = this.#grids[j];
      const added = this.#gridOf(part, j);
      const isWithin = part.minima[j]! >= minima[j]! && part.maxima[j]! <= maxima[j]!;
      minima[j] = Math.min(minima[j]!, part.minima[j]!);
      maxima[j] = Math.max(maxima[j]!, part.maxima[j]!);
      const grid = before !== undefined && isWithin ? before : this.#gridOf(this.#merged, j);
      this.#grids[j] = grid;
      if (before !== undefined && (before.exponent !== grid.exponent || before.origin !== grid.origin)) {
        const former = counts.slice(start, start + FINE_BINS);
        counts.fill(0, start, start + FINE_BINS);
        addCounts({ counts, start, grid }, { counts: former, start: 0, grid: before });
      }
      addCounts({ counts, start, grid }, { counts: part.counts, start, grid: added });
    }
  }

  /** Smallest and largest p of all columns, so far. */
  extremes(): Pick<ColumnHistograms, 'minima' | 'maxima'> {
    return this.#merged;
  }

  /**
   * Quantiles of column j, at (n - 1) q of its n sorted values counted from 0, interpolated between two neighbours.
   * Off by one bin at most: see QUANTILE_ERROR.
   */
  quantiles(j: number, qs: readonly number[]): number[] {
    const counts = this.#merged.counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS);
    const rows = counts.reduce((sum, count) => sum + count, 0);
    return qs.map((q) => {
      const position = q * (rows - 1);
      const below = Math.floor(position);
      const lower = this.#orderStatistic(j, counts, below);
      const share = position - below;
      return share === 0 ? lower : lower + share * (this.#orderStatistic(j, counts, below + 1) - lower);
    });
  }

  /** Value p of rank k from 0, as if those of a bin were spread over it evenly. */
  #orderStatistic(j: number, counts: Int32Array, k: number): number {
    const { minima, maxima } = this.#merged;
    const { exponent, origin } = this.#grids[j]!;
    let bin = 0;
    let before = 0;
    while (before + counts[bin]! <= k) before += counts[bin++]!;
    const inBin = (k - before + 0.5) / counts[bin]!;
    const z = (origin + bin + inBin) * 2 ** exponent;
    return Math.min(maxima[j]!, Math.max(minima[j]!, z / this.#roots[j]!));
  }

  #gridOf({ minima, maxima }: Omit<ColumnHistograms, 'counts'>, j: number): FineGrid {
    const root = this.#roots[j]!;
    return fineGrid(root * minima[j]!, root * maxima[j]!);
  }
}

/** Histogram of one column, whose counts begin at `start` of `counts`. */
interface ColumnCounts {
  counts: Int32Array;
  start: number;
  grid: FineGrid;
}

/**
 * Adds the counts of a column to those of `target`, whose grid holds theirs: its bins are as wide, or hold 2, 4, ... of
 * the finer one's.
 */
function addCounts(target: ColumnCounts, { counts, start, grid }: ColumnCounts): void {
  const sums = target.counts;
  const shift = shiftBetween(grid.exponent, target.grid.exponent);
  const base = target.start - target.grid.origin;
  const end = start + grid.used;
  // The case of nearly all columns once some parts have been merged.
  if (shift === 0) {
    for (let at = start, to = base + grid.origin; at < end; at++, to++) sums[to]! += counts[at]!;
    return;
  }
  for (let at = start, k = grid.origin; at < end; at++, k++) sums[base + (k >> shift)]! += counts[at]!;
}
