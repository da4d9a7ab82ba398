import { lastPlace } from './last-place.js';
import type { RowSpread } from './row-spread.js';
import type { SharedErrors } from './shared-errors.js';

/** How often weights are equal, from row to row and within one, and whether pairs of opposite ones make up for that. */
export type EqualWeights = Pick<
  SharedErrors,
  'equalRows' | 'equalWeights' | 'unevenWeights' | 'unevenOfAll' | 'repeatedWeights'
>;

/** What is known of the weights that all rows have in one coordinate. */
export interface CoordinateWeights {
  mean: number;
  variance: number;
  /** Their last place, as float32 numbers. */
  place: number;
  /** Whether they are spread over so many last places that terms are looked at as they are. */
  isFine: boolean;
  /** Probability that those of two rows are equal, beyond what numbers of any kind are that are as finely spread. */
  equal: number;
  /** Share of such pairs that no pair of w and -w makes up for, which is rounded to the other side. */
  uneven: number;
  /** Probability that another weight of the row is of the same size. */
  repeated: number;
}

/** Last places by which weights are spread from which on they are fine. */
const MANY_PLACES = 2 ** 18;

/** Times the probability of equal weights of normal numbers that others may have which are as finely spread. */
const OF_EVEN_WEIGHTS = 4;

/** Share of the mean square of what is rounded off that is not followed harmonic by harmonic, (6 / pi^2) sum_(n > 3) 1 / n^2. */
const HIGHER_HARMONICS = 0.17;

/** Gathers what is known of the weights of each coordinate. */
export function coordinateWeights(
  { mean, coordinates }: Pick<RowSpread, 'mean' | 'coordinates'>,
  weights: EqualWeights,
): CoordinateWeights[] {
  const all = Array.from(mean, (value, k): CoordinateWeights => {
    const variance = coordinates[k]!;
    const place = lastPlace(Math.max(Math.abs(value), Math.sqrt(variance)));
    const even = evenlyEqual(place, variance);
    return {
      mean: value,
      variance,
      place,
      isFine: Math.sqrt(variance) > MANY_PLACES * place,
      // Those that are equal because they have but float32's last places are followed harmonic by harmonic.
      equal: Math.max(0, weights.equalWeights[k]! - OF_EVEN_WEIGHTS * even) + HIGHER_HARMONICS * even,
      uneven: unevenByMean(value, variance),
      repeated: weights.repeatedWeights[k]!,
    };
  });
  const beyond = Math.max(0, weights.unevenOfAll - meanUneven(all));
  for (const [k, coordinate] of all.entries())
    coordinate.uneven = Math.max(weights.unevenWeights[k]!, Math.min(1, coordinate.uneven + beyond));
  return all;
}

/** Probability that two float32 weights are equal, if they are normal numbers of a last place and a variance. */
function evenlyEqual(place: number, variance: number): number {
  return variance === 0 ? 1 : Math.min(1, place / Math.sqrt(4 * Math.PI * variance));
}

/**
 * Share of pairs of equal weights without a counterpart of opposite ones, of normal numbers. Of a coordinate that is the same in
 * all rows, nothing cancels out.
 */
function unevenByMean(mean: number, variance: number): number {
  return variance === 0 ? 1 : 1 - Math.exp(-(mean ** 2) / variance);
}

/** Mean of these shares over the pairs of equal weights of all coordinates: what all of them together are expected to show. */
function meanUneven(all: readonly CoordinateWeights[]): number {
  const pairs = all.reduce((sum, { equal }) => sum + equal, 0);
  return pairs === 0 ? 1 : all.reduce((sum, { equal, uneven }) => sum + equal * uneven, 0) / pairs;
}
