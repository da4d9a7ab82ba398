import { emptyWeightedSums, type WeightedMeasurements } from '../src/checks/weighted-sums.js';
import type { RangeWeighing } from '../src/executor/tasks.js';

/** Sums of a partition by the weights of its rows, as they grow: of the checkpoint's rows, and of the projections by columns. */
export class WeightedMeasure {
  readonly #weights: Float64Array;
  readonly #means: Float64Array;
  readonly #gammaSums: Float64Array;
  readonly #first;
  readonly #second;

  /** Begins with no row. */
  constructor({ weights, means }: RangeWeighing) {
    this.#weights = weights;
    this.#means = means;
    this.#gammaSums = new Float64Array(means.length);
    this.#first = emptyWeightedSums(means);
    this.#second = emptyWeightedSums(means);
  }

  /** Adds `count` rows of the checkpoint, float32 [count, d], from row `first` of the partition on. */
  addRows(gamma: Float32Array, first: number, count: number): void {
    const sums = this.#gammaSums;
    const d = sums.length;
    for (let i = 0; i < count; i++) {
      const weight = this.#weights[first + i]!;
      if (weight === 0) continue;
      for (let k = 0, at = i * d; k < d; k++, at++) {
        sums[k]! += weight * gamma[at]!;
      }
    }
  }

  /** Adds rows [first, first + count) of column j of the projections. */
  addColumn(j: number, column: Float32Array, first: number, count: number): void {
    let [s1, s2, s3, s4, t1, t2, t3, t4] = [0, 0, 0, 0, 0, 0, 0, 0];
    const weights = this.#weights;
    const mean = this.#means[j]!;
    for (let i = 0; i < count; i++) {
      const q = column[i]! - mean;
      const weight = weights[first + i]!;
      const squared = q * q;
      const a = weight * q;
      const b = weight * a;
      s1 += a;
      s2 += a * q;
      s3 += a * squared;
      s4 += a * q * squared;
      t1 += b;
      t2 += b * q;
      t3 += b * squared;
      t4 += b * q * squared;
    }
    const { sums, sumsOfSquares, sumsOfCubes, sumsOfFourths } = this.#first;
    sums[j]! += s1;
    sumsOfSquares[j]! += s2;
    sumsOfCubes[j]! += s3;
    sumsOfFourths[j]! += s4;
    const ofErrors = this.#second;
    ofErrors.sums[j]! += t1;
    ofErrors.sumsOfSquares[j]! += t2;
    ofErrors.sumsOfCubes[j]! += t3;
    ofErrors.sumsOfFourths[j]! += t4;
  }

  /** Closes the sums. @param gammaSquares ||gamma_i||^2 of each row */
  measurements(gammaSquares: Float64Array): WeightedMeasurements {
    const [first, second] = [{ ...this.#first }, { ...this.#second }];
    for (const [i, weight] of this.#weights.entries()) {
      first.total += weight;
      second.total += weight * weight;
      first.gammaSquares += weight * gammaSquares[i]!;
      second.gammaSquares += weight * weight * gammaSquares[i]!;
    }
    return { gammaSums: this.#gammaSums, first, second };
  }
}
