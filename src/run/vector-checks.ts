import { productRounding } from '../checks/rounding.js';
import { type Check, judge } from '../checks/verdict.js';
import { powerOf } from '../tables/vector-geometry.js';
import type { VectorPart } from '../tables/vector-part.js';

/** Largest deviations of coordinates and duals, relative to the norms. */
export interface CoordinateDeviations {
  norm: number;
  probe: number;
  dual: number;
}

/** Judges coordinates and duals. @param d hidden size */
export function coordinateChecks(
  { norm, probe, dual }: CoordinateDeviations,
  d: number,
  hasDuals: boolean,
): Check[] {
  const tolerance = productRounding(d);
  return [
    { name: 'vector norms', what: 'max | ||u|| - ||a|| | / ||u||', ...judge(norm, tolerance) },
    {
      name: 'vector probe',
      what: 'Freivalds: max | a . r - u . (V r) | / ||u||, of two random unit vectors r',
      ...judge(probe, tolerance),
    },
    ...(hasDuals
      ? [
          {
            name: 'dual probe',
            what: 'Freivalds: max | u* . r - a* . (V^T r) | / ||u*||, u* the dual with the coordinates a*',
            ...judge(dual, tolerance),
          },
        ]
      : []),
  ];
}

/**
 * Judges the sums of all products of tokens and vectors by the means and variances that follow from the coordinates alone:
 * what is wrong with a product, a partition or the basis shows there.
 *
 * @param sums by the tokens' weights, whose mean is 1, of the products with scaled coordinates and of their squares, [passes, 2, count]
 */
export function rankingChecks(
  part: VectorPart,
  sums: Float64Array,
  { rows, hidden, typicalNorm }: { rows: number; hidden: number; typicalNorm: number },
): Check[] {
  const count = part.norm.length;
  // Both the projections and the products are rounded: errors in units of the tokens' typical norm.
  const tolerance = 2 * productRounding(hidden) * typicalNorm;
  const worst = { mean: 0, variance: 0 };
  let isKnown = { mean: true, variance: true };
  for (let at = 0; at < part.passSquares.length; at++) {
    const pass = Math.floor(at / count);
    const [sum, squares] = [
      sums[pass * 2 * count + (at % count)]!,
      sums[(pass * 2 + 1) * count + (at % count)]!,
    ];
    const square = part.passSquares[at]!;
    const scale = powerOf(square);
    const norm = square > 0 ? Math.sqrt(square) / scale : 1;
    const mean = sum / rows;
    const expected = { mean: part.passMeans[at]! / scale, variance: part.passVariances[at]! / scale ** 2 };
    isKnown = {
      mean: isKnown.mean && !Number.isNaN(expected.mean),
      variance: isKnown.variance && !Number.isNaN(expected.variance),
    };
    worst.mean = larger(worst.mean, Math.abs(mean - expected.mean) / norm);
    const variance = Math.max(0, squares / rows - mean * mean);
    worst.variance = larger(worst.variance, Math.abs(variance - expected.variance) / norm ** 2);
  }
  const means = { name: 'logit means', what: 'max | mean_i gamma_i . u - mu . u | / ||u||' };
  const variances = {
    name: 'logit variances',
    what: 'max | var_i gamma_i . u - sum_j c_j a_j^2 | / ||u||^2',
  };
  return [
    { ...means, ...(isKnown.mean ? judge(worst.mean, tolerance) : unknown('the mean row')) },
    {
      ...variances,
      // The error of a square is twice that of what is squared.
      ...(isKnown.variance ? judge(worst.variance, 2 * tolerance * typicalNorm) : unknown('the covariance')),
    },
  ];
}

function unknown(what: string) {
  return {
    measured: null,
    tolerance: null,
    verdict: 'not applicable',
    detail: `the run does not know ${what}: its metric was given`,
  } as const;
}

/** The larger of two deviations; one that is no number stays. */
function larger(worst: number, deviation: number): number {
  return Number.isNaN(worst) || !(deviation <= worst) ? deviation : worst;
}
