import { FINE_BINS, type FineGrid, fineGrid } from './fine-grid.js';

/** Fine histograms of every column over some rows. */
export interface ColumnHistograms {
  /** Of the values, [d] each. */
  minima: Float64Array;
  maxima: Float64Array;
  /** uint32 [d, FINE_BINS], on `fineGrid(minimum, maximum)` of each column. */
  counts: Uint32Array;
}

/** Merges the histograms of parts; the order of the parts does not matter. */
export class FineHistograms {
  readonly #merged: ColumnHistograms;

  /** @param d columns */
  constructor(d: number) {
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
      const isFirst = minima[j]! > maxima[j]!;
      const merged = counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS);
      const added = part.counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS);
      const before = isFirst ? null : fineGrid(minima[j]!, maxima[j]!);
      minima[j] = Math.min(minima[j]!, part.minima[j]!);
      maxima[j] = Math.max(maxima[j]!, part.maxima[j]!);
      const grid = fineGrid(minima[j]!, maxima[j]!);
      if (before !== null && !sameGrid(before, grid)) {
        former.set(merged);
        merged.fill(0);
        addCounts(merged, grid, former, before);
      }
      addCounts(merged, grid, added, fineGrid(part.minima[j]!, part.maxima[j]!));
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
    const { minima, maxima, counts } = this.#merged;
    const column = {
      minimum: minima[j]!,
      maximum: maxima[j]!,
      counts: counts.subarray(j * FINE_BINS, (j + 1) * FINE_BINS),
    };
    const rows = column.counts.reduce((sum, count) => sum + count, 0);
    return qs.map((q) => {
      const position = q * (rows - 1);
      const below = Math.floor(position);
      const lower = orderStatistic(column, below);
      const share = position - below;
      return share === 0 ? lower : lower + share * (orderStatistic(column, below + 1) - lower);
    });
  }
}

/** The value of rank k from 0: as if those of a bin were spread over it evenly. */
function orderStatistic(
  { minimum, maximum, counts }: { minimum: number; maximum: number; counts: Uint32Array },
  k: number,
): number {
  const { exponent, origin } = fineGrid(minimum, maximum);
  let bin = 0;
  let before = 0;
  while (before + counts[bin]! <= k) before += counts[bin++]!;
  const inBin = (k - before + 0.5) / counts[bin]!;
  return Math.min(maximum, Math.max(minimum, (origin + bin + inBin) * 2 ** exponent));
}

function sameGrid(a: FineGrid, b: FineGrid): boolean {
  return a.exponent === b.exponent && a.origin === b.origin;
}

/** Adds counts on a grid to those on one that holds it; its bins are as wide, or hold 2, 4, ... of the finer one's. */
function addCounts(target: Uint32Array, to: FineGrid, counts: Uint32Array, from: FineGrid): void {
  const ratio = 2 ** (from.exponent - to.exponent);
  for (let b = 0; b < FINE_BINS; b++) {
    const count = counts[b]!;
    if (count > 0) target[Math.floor((from.origin + b) * ratio) - to.origin]! += count;
  }
}
