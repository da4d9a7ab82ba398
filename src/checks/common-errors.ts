import { type CoordinateWeights, coordinateWeights, type EqualWeights } from './coordinate-weights.js';
import { lastPlace } from './last-place.js';
import type { LikeEntries } from './like-entries.js';
import { LikeTerms } from './like-terms.js';
import { Reaches } from './reaches.js';
import { UNIT_ERROR } from './rounding.js';
import type { RowSpread } from './row-spread.js';

/** What the errors of all rows have in common in each column, which an average over however many rows keeps. Arrays are [d]. */
export interface CommonErrors {
  /** Variances of the error that all p_ij have in common, and with them their mean. */
  means: Float64Array;
  /** One standard deviation, over columns, of such a variance. */
  excesses: Float64Array;
  /**
   * Variances of the error that those p_ij have in common whose sums have the same last places, and one standard deviation of
   * them: sums of one size are of one side of the mean, so that the variance of a column has a share of it.
   */
  within: { variances: Float64Array; excesses: Float64Array };
  /** Variances of the share of p_ij - m_j by which errors follow it. */
  slopes: Float64Array;
  /** Variances that the error of each p_ij has beyond those of its additions, as its equal terms are rounded alike. */
  repeats: Float64Array;
  /** Errors by h / |v_kj|, which is how far two rows must be apart in coordinate k to be rounded differently. */
  reaches: Reaches;
}

/** Sums that the terms of a coordinate were added to: their mean squares, and of them what is the mean row's, [d] each. */
interface RoundedSums {
  sizes: Float64Array;
  ofMean: Float64Array;
}

/** Harmonics of what is rounded off that are followed one by one. */
const HARMONICS = 3;

/** Times the variance of the weights over that of an error, and the square of the entry, 2 pi^2 s^2 / h^2: h^2 is 12 times the error's. */
const IN_PLACES = (2 * Math.PI ** 2) / 12;

/**
 * Squares of entries v_kj from which on they are a good part of their vector, as 1, 5 / 6 or 1 / 2 are: these may be whole multiples of a
 * step, or a third of one, but for their rounding.
 */
const MUCH_OF_A_VECTOR = 1 / 64;

/** Share of the errors of equal terms that is equal, where sums are spread about zero: the others have another last place. */
const EQUAL_PLACES = 0.12;

/** Mean square of what is left of an error in common, as a share of its mean: as of a normal function of a random phase. */
const LEFT_SQUARED = 0.6;

/**
 * Adds up what rows have in common, from addition to addition.
 *
 * A sum S lies on the grid of its last place h, so what an addition rounds off depends on the term gamma_k v_kj alone, as a
 * function of period h. Its harmonic n has less than 1 / n^2 of its mean square h^2 / 12, and over rows the spread s of the term
 * leaves of that phi^2, of the characteristic function phi at 2 pi n / h. Terms are taken to be spread as Laplace's
 * distribution is, which has more weight far out than a normal one, as weights have: phi = 1 / (1 + 2 pi^2 n^2 s^2 / h^2). The
 * slopes of these harmonics, of a mean square of 2 phi^2, add to the errors in proportion to the term, and so to p_ij - m_j,
 * which gamma_k varies with by v_kj.
 *
 * The weights of a coordinate are themselves multiples of a last place g, and whole multiples of both are not rounded: what is
 * left of v_kj is its distance from the next multiple of h / (n g).
 *
 * Terms below half of h are lost whole, always to one side, so they are added up before they are squared.
 *
 * Weights of fewer bits than float32 are equal in two rows with some probability P, and then the same is rounded off if both
 * sums have the same last place: `EQUAL_PLACES` of that, and all the more the mean of S outweighs its spread, or all rows lie
 * along one direction. Pairs of w and -w cancel them out: of weights that are spread about mu_k, exp(-mu_k^2 / C_kk) of the
 * pairs have such a counterpart, and fewer where most weights are of one value, which shows in how many pairs do. By where
 * multiples of their last place lie on the grid of S, a few of these terms have much in common and most have nothing, so
 * columns differ in what they add up to.
 *
 * In columns that have entries of one size, equal weights make equal terms of several coordinates, so what is said of the terms of
 * one holds of all of them, and their errors add up before they are squared.
 */
export class CommonTerms {
  readonly #coordinates: readonly CoordinateWeights[];
  readonly #narrowness: number;
  readonly #equalRows: number;
  readonly #errors: CommonErrors;
  /** What is lost whole of the terms of each column, and by how much that follows them. */
  readonly #lost: Float64Array;
  readonly #lostSlopes: Float64Array;
  /** Columns in which many entries are alike, what these add up to, and what the column had before the last terms. */
  readonly #like: readonly { j: number; terms: LikeTerms; before: { mean: number; slope: number } }[];

  /** Begins without terms. @param entries like entries of each column, null where there are hardly any */
  constructor(
    spread: RowSpread,
    narrowness: number,
    weights: EqualWeights,
    entries: readonly (LikeEntries | null)[],
  ) {
    const d = spread.mean.length;
    const zeros = () => new Float64Array(d);
    this.#coordinates = coordinateWeights(spread, weights);
    this.#narrowness = narrowness;
    this.#equalRows = weights.equalRows;
    this.#like = entries.flatMap((like, j) =>
      like === null ? [] : [{ j, terms: new LikeTerms(like), before: { mean: 0, slope: 0 } }],
    );
    this.#errors = {
      means: zeros(),
      excesses: zeros(),
      within: { variances: zeros(), excesses: zeros() },
      slopes: zeros(),
      repeats: zeros(),
      reaches: new Reaches(d),
    };
    this.#lost = zeros();
    this.#lostSlopes = zeros();
  }

  /**
   * Adds the terms of coordinate k.
   *
   * @param v its entries v_kj of the eigenvectors, [d]
   * @param sums what the terms have been added up to
   */
  add(k: number, v: Float32Array, sums: RoundedSums): void {
    const coordinate = this.#coordinates[k]!;
    const { means, slopes } = this.#errors;
    for (const { j, before } of this.#like) {
      before.mean = means[j]!;
      before.slope = slopes[j]!;
    }
    this.#addRemainders(coordinate, v, sums);
    this.#addEqualWeights(coordinate, v, sums);
    this.#addReaches(v, sums);
    this.#addLikeTerms(k, v, sums);
  }

  /** Adds what is left of the terms' remainders when they are averaged over the spread of the weights, harmonic by harmonic. */
  #addRemainders(
    { mean, variance, place, isFine }: CoordinateWeights,
    v: Float32Array,
    { sizes }: RoundedSums,
  ): void {
    const { means, slopes } = this.#errors;
    const [lost, lostSlopes] = [this.#lost, this.#lostSlopes];
    for (let j = 0; j < v.length; j++) {
      const size = sizes[j]!;
      if (!(size > 0)) continue;
      const entry = v[j]!;
      const error = UNIT_ERROR * size;
      const inPlaces = IN_PLACES * (variance / error);
      const isSpread = isFine && entry * entry < MUCH_OF_A_VECTOR;
      const step = isSpread || place === 0 ? 0 : lastPlace(Math.sqrt(size)) / place;
      const harmonics = isSpread ? 1 : HARMONICS;
      for (let n = 1; n <= harmonics; n++) {
        const rounded = step === 0 ? entry : entry - (Math.round((n * entry) / step) * step) / n;
        const left = 1 / (1 + inPlaces * n * n * rounded * rounded);
        const remainder = mean * rounded;
        const slope = Math.abs(entry * rounded) * left;
        if (n === 1 && remainder * remainder < 3 * error) {
          lost[j]! += remainder * left;
          lostSlopes[j]! += slope;
          break;
        }
        means[j]! += (error * left * left) / (n * n);
        slopes[j]! += 2 * slope * slope;
      }
    }
  }

  /** Adds what equal weights round off alike. Sums that they are added to have the mean row's in common, and the terms themselves. */
  #addEqualWeights(
    { variance, equal, uneven }: CoordinateWeights,
    v: Float32Array,
    { sizes, ofMean }: RoundedSums,
  ): void {
    const { means, excesses, within } = this.#errors;
    const narrowness = this.#narrowness;
    const error = UNIT_ERROR * uneven;
    for (let j = 0; j < sizes.length; j++) {
      const size = sizes[j]!;
      if (!(size > 0)) continue;
      const known = ofMean[j]! + variance * v[j]! * v[j]!;
      const alike = error * size * equalPlaces(known / size, narrowness);
      means[j]! += equal * alike;
      excesses[j]! += equal * alike * alike;
      const alikeWithin = Math.max(alike, error * size * sharedPlaces(ofMean[j]! / size, narrowness));
      within.variances[j]! += equal * (alikeWithin - alike);
      within.excesses[j]! += equal * (alikeWithin * alikeWithin - alike * alike);
    }
  }

  /** Adds how far rows must be apart for the terms to be rounded differently. */
  #addReaches(v: Float32Array, { sizes }: RoundedSums): void {
    const { reaches } = this.#errors;
    for (let j = 0; j < v.length; j++) {
      const error = UNIT_ERROR * sizes[j]!;
      if (error > 0) reaches.add(j, error, Math.sqrt(12 * error) / Math.abs(v[j]!));
    }
  }

  /** Adds the terms to those of like entries. */
  #addLikeTerms(k: number, v: Float32Array, { sizes, ofMean }: RoundedSums): void {
    const { means, slopes } = this.#errors;
    const { variance, equal, uneven, repeated } = this.#coordinates[k]!;
    for (const { j, terms, before } of this.#like) {
      const size = sizes[j]!;
      if (!(size > 0)) continue;
      const error = UNIT_ERROR * size;
      // A weight may be equal to one of another coordinate as often as to one of its own, of equal rows too.
      const known = ofMean[j]! + variance * v[j]! ** 2;
      const alike = error * uneven * equalPlaces(known / size, this.#narrowness);
      const left = 1 / (1 + IN_PLACES * (variance / error) * v[j]! ** 2);
      terms.common.add(k, means[j]! - before.mean + this.#equalRows * alike);
      terms.excesses.add(k, Math.sqrt(equal) * alike);
      terms.slopes.add(k, slopes[j]! - before.slope);
      terms.own.add(k, error * Math.max(left * left, repeated));
    }
  }

  /** Gives what all terms add up to. */
  errors(): CommonErrors {
    const { means, excesses, within, slopes, repeats } = this.#errors;
    for (let j = 0; j < means.length; j++) {
      means[j]! += this.#lost[j]! ** 2;
      slopes[j]! += this.#lostSlopes[j]! ** 2;
    }
    for (const { j, terms } of this.#like) {
      means[j]! += terms.common.beyond();
      slopes[j]! += terms.slopes.beyond();
      excesses[j]! += terms.excesses.squares();
      repeats[j] = terms.own.beyond();
    }
    for (let j = 0; j < means.length; j++) {
      within.variances[j]! += means[j]!;
      within.excesses[j] = Math.sqrt(LEFT_SQUARED * (within.excesses[j]! + excesses[j]!));
      excesses[j] = Math.sqrt(LEFT_SQUARED * excesses[j]!);
    }
    return this.#errors;
  }
}

/**
 * Share of the error of a term that is left when it is added to sums S of many sizes, each of which has a last place of its own:
 * 0.12 of sums that are spread about zero. Of normal ones whose known part has a share q of their mean square, it is within a tenth
 * of 0.12 / (1 - 0.88 q^2): 0.15 of q = 1 / 2, 0.4 of 0.9.
 *
 * @param known q
 */
function equalPlaces(known: number, narrowness: number): number {
  const q = Math.min(1, known);
  const ofSpread = EQUAL_PLACES / (1 - (1 - EQUAL_PLACES) * q * q);
  return Math.max(ofSpread, EQUAL_PLACES + (1 - EQUAL_PLACES) * narrowness);
}

/**
 * Share of the error of a term that sums of one last place have in common, as far as their last places tell on which side of the
 * mean they are: the less of them is the mean row's, the more there are of either side in each.
 *
 * @param ofMean share of their mean square that is the mean row's
 */
function sharedPlaces(ofMean: number, narrowness: number): number {
  return EQUAL_PLACES + (1 - EQUAL_PLACES) * Math.max(ofMean * ofMean, narrowness);
}
