import { binOf, FINE_BINS, type FineGrid, fineGrid, shiftBetween } from './fine-grid.js';

/** Fine histograms of every column over some rows. */
export interface ColumnHistograms {
  /** Of p, [d] each. */
  minima: Float64Array;
  maxima: Float64Array;
  /** uint32 [d, FINE_BINS] of z = root p, on the grid of its extremes. */
  counts: Uint32Array;
}

/** Merges the histograms of parts; the order of the parts does not matter. */
export class FineHistograms {
  readonly #roots: Float64Array;
  readonly #merged: ColumnHistograms;

  /** @param roots of lambda, [d] */
  constructor(roots: Float64Array) {
    const d = roots.length;
    this.#roots = roots;
    this.#merged = {
      minima: new Float64Array(d).fill(Number.POSITIVE_INFINITY),
      maxima: new Float64Array(d).fill(Number.NEGATIVE_INFINITY),
      counts: new Uint32Array(d * FINE_BINS),
    };
  }

  add(part: ColumnHistograms): void {
    const { minima, maxima, counts } = this.#merged;
    const former = new Uint32Array(FINE_BINS);
    for (let j = 0; j < minima.length; j++) {
      const merged = counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS);
      const added = part.counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS);
      const before = minima[j]! <= maxima[j]! ? this.#gridOf(this.#merged, j) : null;
      minima[j] = Math.min(minima[j]!, part.minima[j]!);
      maxima[j] = Math.max(maxima[j]!, part.maxima[j]!);
      const grid = this.#gridOf(this.#merged, j);
      if (before !== null && (before.exponent !== grid.exponent || before.origin !== grid.origin)) {
        former.set(merged);
        merged.fill(0);
        addCounts(merged, grid, former, before);
      }
      addCounts(merged, grid, added, this.#gridOf(part, j));
    }
  }

  /** Of all columns, so far. */
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

  /** The p of rank k from 0: as if those of a bin were spread over it evenly. */
  #orderStatistic(j: number, counts: Uint32Array, k: number): number {
    const { minima, maxima } = this.#merged;
    const { exponent, origin } = this.#gridOf(this.#merged, j);
    let bin = 0;
    let before = 0;
    while (before + counts[bin]! <= k) before += counts[bin++]!;
    const inBin = (k - before + 0.5) / counts[bin]!;
    const z = (origin + bin + inBin) * 2 ** exponent;
    return Math.min(maxima[j]!, Math.max(minima[j]!, z / this.#roots[j]!));
  }

  #gridOf({ minima, maxima }: Omit<ColumnHistograms, 'counts'>, j: number): FineGrid & { last: number } {
    const root = this.#roots[j]!;
    const grid = fineGrid(root * minima[j]!, root * maxima[j]!);
    return { ...grid, last: binOf(root * maxima[j]!, grid.exponent) - grid.origin };
  }
}

/**
 * Adds counts on a grid to those on one that holds it; its bins are as wide, or hold 2, 4, ... of the finer one's.
 * @param from its `last` bin is the highest one that may hold something
 */
function addCounts(
  target: Uint32Array,
  to: FineGrid,
  counts: Uint32Array,
  from: FineGrid & { last: number },
): void {
  const shift = shiftBetween(from.exponent, to.exponent);
  for (let b = 0; b <= from.last; b++) target[((from.origin + b) >> shift) - to.origin]! += counts[b]!;
}
