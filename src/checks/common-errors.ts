import { type LikeEntries, LikeSums } from './like-entries.js';
import { Reaches } from './reaches.js';
import { FLOAT32_ROUNDOFF, UNIT_ERROR } from './rounding.js';
import type { RowSpread } from './row-spread.js';
import type { SharedErrors } from './shared-errors.js';

/** How often weights of a coordinate are equal, and whether pairs of opposite ones make up for that. */
export type EqualWeights = Pick<
  SharedErrors,
  'equalWeights' | 'unevenWeights' | 'unevenOfAll' | 'repeatedWeights'
>;

/** What the errors of all rows have in common in each column, which an average over however many rows keeps. Arrays are [d]. */
export interface CommonErrors {
  /** Variances of the error that all p_ij have in common, and with them their mean. */
  means: Float64Array;
  /** One standard deviation, over columns, of such a variance. */
  excesses: Float64Array;
  /** Variances of the share of p_ij - m_j by which errors follow it. */
  slopes: Float64Array;
  /** Variances that the error of each p_ij has beyond those of its additions, as its equal terms are rounded alike. */
  repeats: Float64Array;
  /** Errors by h / |v_kj|, which is how far two rows must be apart in coordinate k to be rounded differently. */
  reaches: Reaches;
}

/** Harmonics of what is rounded off that are followed one by one. */
const HARMONICS = 3;
/** Share of its mean square that all higher ones have, (6 / pi^2) sum_n 1 / n^2. */
const HIGHER_HARMONICS = 0.17;

/**
 * Last places by which weights are spread from which on terms are looked at as they are, but for entries v_kj that are most of
 * their vector, as 1 is: few others are so near a multiple that it matters.
 */
const MANY_PLACES = 2 ** 18;

/** Share of the errors of equal terms that is equal, where sums are spread about zero: the others have another last place. */
const EQUAL_PLACES = 0.12;

/** Times the probability of equal weights of normal numbers that others may have which are as finely spread. */
const OF_EVEN_WEIGHTS = 4;

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
 */
export class CommonTerms {
  readonly #spread: RowSpread;
  readonly #narrowness: number;
  readonly #equalWeights: Float64Array;
  readonly #uneven: Float64Array;
  readonly #repeated: Float64Array;
  /** Of each column, what like entries add up to; null where hardly any are alike. */
  readonly #alike: (LikeTerms | null)[];
  /** Last places of the weights of each coordinate. */
  readonly #places: Float64Array;
  readonly #errors: CommonErrors;
  readonly #lost: Float64Array;
  readonly #lostSlopes: Float64Array;

  /** Begins without terms. @param equal P of each coordinate, [d], which float32's own last place adds to */
  constructor(
    spread: RowSpread,
    narrowness: number,
    weights: EqualWeights,
    entries: readonly (LikeEntries | null)[],
  ) {
    const { mean, coordinates } = spread;
    const zeros = () => new Float64Array(mean.length);
    this.#spread = spread;
    this.#narrowness = narrowness;
    this.#places = mean.map((value, k) => lastPlace(Math.max(Math.abs(value), Math.sqrt(coordinates[k]!))));
    this.#repeated = weights.repeatedWeights;
    this.#alike = entries.map((like) => (like === null ? null : new LikeTerms(like)));
    this.#equalWeights = weights.equalWeights.map((equal, k) => {
      const own = evenlyEqual(this.#places[k]!, coordinates[k]!);
      return Math.max(0, equal - OF_EVEN_WEIGHTS * own) + HIGHER_HARMONICS * own;
    });
    this.#uneven = unevenShares(spread, this.#equalWeights, weights);
    const reaches = new Reaches(mean.length);
    this.#errors = { means: zeros(), excesses: zeros(), slopes: zeros(), repeats: zeros(), reaches };
    this.#lost = zeros();
    this.#lostSlopes = zeros();
  }

  /**
   * Adds the terms of coordinate k.
   *
   * @param v its entries v_kj of the eigenvectors, [d]
   * @param sums mean squares of the sums that the terms have been added up to, and of them what is the mean row's, each [d]
   */
  add(k: number, v: Float32Array, { sizes, ofMean }: { sizes: Float64Array; ofMean: Float64Array }): void {
    const { means, excesses, slopes, reaches } = this.#errors;
    const [lost, lostSlopes, narrowness] = [this.#lost, this.#lostSlopes, this.#narrowness];
    const mean = this.#spread.mean[k]!;
    const variance = this.#spread.coordinates[k]!;
    const place = this.#places[k]!;
    const isFine = Math.sqrt(variance) > MANY_PLACES * place;
    const uneven = this.#uneven[k]!;
    const equalWeights = this.#equalWeights[k]!;
    for (let j = 0; j < v.length; j++) {
      const size = sizes[j]!;
      if (!(size > 0)) continue;
      const entry = v[j]!;
      const error = UNIT_ERROR * size;
      const inPlaces = (2 * Math.PI ** 2 * variance) / (12 * error);
      const isSpread = isFine && entry * entry < 1 / 4;
      const step = isSpread || place === 0 ? 0 : lastPlace(Math.sqrt(error / UNIT_ERROR)) / place;
      const harmonics = isSpread ? 1 : HARMONICS;
      let [common, following, kept] = [0, 0, 0];
      for (let n = 1; n <= harmonics; n++) {
        const rounded = step === 0 ? entry : entry - (Math.round((n * entry) / step) * step) / n;
        const left = 1 / (1 + inPlaces * n * n * rounded * rounded);
        const remainder = mean * rounded;
        const slope = Math.abs(entry * rounded) * left;
        if (n === 1) kept = left * left;
        if (n === 1 && remainder * remainder < 3 * error) {
          lost[j]! += remainder * left;
          lostSlopes[j]! += slope;
          break;
        }
        common += (error * left * left) / (n * n);
        following += 2 * slope * slope;
      }
      reaches.add(j, error, Math.sqrt(12 * error) / Math.abs(entry));
      const share = ofMean[j]! / size;
      const places = Math.max(
        EQUAL_PLACES / (1 - (1 - EQUAL_PLACES) * share * share),
        EQUAL_PLACES + (1 - EQUAL_PLACES) * narrowness,
      );
      const equal = error * places * uneven;
      common += equalWeights * equal;
      means[j]! += common;
      slopes[j]! += following;
      excesses[j]! += equalWeights * equal * equal;
      this.#alike[j]?.add(k, { common, following, own: error * Math.max(kept, this.#repeated[k]!) });
    }
  }

  /** Gives what all terms add up to. */
  errors(): CommonErrors {
    const { means, excesses, slopes, repeats } = this.#errors;
    for (let j = 0; j < means.length; j++) {
      const alike = this.#alike[j]!;
      means[j]! += this.#lost[j]! ** 2 + (alike?.common.beyond() ?? 0);
      slopes[j]! += this.#lostSlopes[j]! ** 2 + (alike?.following.beyond() ?? 0);
      excesses[j]! += alike?.common.fourths() ?? 0;
      repeats[j] = alike?.own.beyond() ?? 0;
      excesses[j] = Math.sqrt(LEFT_SQUARED * excesses[j]!);
    }
    return this.#errors;
  }
}

/** What the terms of a column add up to where their entries are alike, which equal weights make one term of. */
class LikeTerms {
  readonly common: LikeSums;
  readonly following: LikeSums;
  readonly own: LikeSums;

  constructor(entries: LikeEntries) {
    this.common = new LikeSums(entries);
    this.following = new LikeSums(entries);
    this.own = new LikeSums(entries);
  }

  add(k: number, term: { common: number; following: number; own: number }): void {
    this.common.add(k, term.common);
    this.following.add(k, term.following);
    this.own.add(k, term.own);
  }
}

/**
 * Shares of the pairs of equal weights that no pair of opposite ones makes up for, [d]: what shows in a coordinate itself, or
 * what its mean says, and as much more as all coordinates together have than their means say.
 */
function unevenShares(
  { mean, coordinates }: RowSpread,
  equalWeights: Float64Array,
  { unevenWeights, unevenOfAll }: EqualWeights,
): Float64Array {
  // Of a coordinate that is the same in all rows, nothing cancels out.
  const ofMean = coordinates.map((variance, k) =>
    variance === 0 ? 1 : 1 - Math.exp(-(mean[k]! ** 2) / variance),
  );
  const total = equalWeights.reduce((sum, equal) => sum + equal, 0);
  const expected =
    total === 0 ? 1 : ofMean.reduce((sum, share, k) => sum + share * equalWeights[k]!, 0) / total;
  const beyond = Math.max(0, unevenOfAll - expected);
  return ofMean.map((share, k) => Math.max(unevenWeights[k]!, Math.min(1, share + beyond)));
}

/** Probability that two float32 weights are equal, if they are normal numbers of a last place and a variance. */
function evenlyEqual(place: number, variance: number): number {
  return variance === 0 ? 1 : Math.min(1, place / Math.sqrt(4 * Math.PI * variance));
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Distance of a positive float32 number from the next. */
function lastPlace(value: number): number {
  float[0] = value;
  bits[0]! &= 0x7f800000;
  return float[0]! * 2 * FLOAT32_ROUNDOFF;
}
