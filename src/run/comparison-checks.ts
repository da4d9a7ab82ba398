import { FLOAT32_ROUNDOFF } from '../checks/rounding.js';
import { type Check, DEVIATIONS, judge, notApplicable } from '../checks/verdict.js';
import type { Matrix } from '../linalg/matrix.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { type ComparedPair, haveOneSize } from './compared-pair.js';
import type { ComparedParts } from './comparison-figures.js';
import type { CrossCovariances } from './cross-covariances.js';
import type { Displacements, PairNorms } from './measure-pairs.js';

/** Unit roundoff of float64. */
const ROUNDOFF = 2 ** -53;

/** What the checks of a comparison compare: what its figures are made of, and the norms of the rows. */
export interface CheckedRuns extends ComparedParts {
  norms: PairNorms;
}

/** Judges what was found by identities that tie one computation to another. */
export function comparisonChecks(pair: ComparedPair, found: CheckedRuns): Check[] {
  return [
    productCheck(pair, found),
    normCheck(pair, found),
    ...(['coordinates', 'mean square', 'map rows', 'map columns'] as const).map((name) => ({
      ...identities[name],
      ...(found.displacements === null
        ? notApplicable('the hidden sizes differ')
        : judgements[name](pair, found, found.displacements)),
    })),
  ];
}

function productCheck({ count, a, b }: ComparedPair, { covariances }: CheckedRuns): Check {
  return {
    name: 'products',
    what: "Freivalds: max || X r - A^T (B r) / n || / (||A|| ||B|| / n), of a random unit vector r; C_A, C_B and X's null alike",
    ...judge(covariances.deviation, productError(count, a.source.columns + b.source.columns)),
  };
}

/**
 * How far the probe of a product of n pairs may be off: each of n terms of a sum is rounded, as is each of the columns of a
 * product with the probe, and no error is larger than with all of one sign.
 */
export function productError(count: number, columns: number): number {
  return 2 * (count + columns) * ROUNDOFF;
}

/** Compares causal norms of single rows with what the covariance says of them all. */
function normCheck(pair: ComparedPair, { norms, spectra, covariances }: CheckedRuns): Check {
  const { eigenvalues } = pair.a.basis;
  const squares = norms.a.centredCausalNorm;
  const mean = squares.reduce((sum, norm) => sum + norm * norm, 0) / pair.count;
  const expected = weighted(eigenvalues, spectra.variances.a);
  const tolerance = traceError(pair, covariances);
  return {
    name: 'causal norms',
    what: '| mean_i ||a_i - mu||_M^2 - tr(M C_A) |, M of run A',
    ...judge(Math.abs(mean - expected), tolerance),
  };
}

/** Identities of displacements and bases, in words and symbols. */
export const identities = {
  coordinates: {
    name: 'displacement coordinates',
    what: 'max | ||V^T delta||^2 - ||delta||^2 | / ||delta||^2',
  },
  'mean square': {
    name: 'mean square displacement',
    what: '| mean_i ||delta_i||_M^2 - tr(M C_delta) - ||mean delta||_M^2 |, C_delta = C_A + C_B - X - X^T',
  },
  'map rows': { name: 'map rows', what: 'max_j | sum_k (v_j . w_k)^2 - 1 |' },
  'map columns': { name: 'map columns', what: 'max_k | sum_j (v_j . w_k)^2 - 1 |' },
} as const;

type Judgement = (
  pair: ComparedPair,
  found: CheckedRuns,
  displacements: Displacements,
) => Pick<Check, 'measured' | 'tolerance' | 'verdict'>;

const judgements: Record<keyof typeof identities, Judgement> = {
  coordinates: (pair, _, { deviation }) => judge(deviation, basisError(pair.a.source.columns)),
  'mean square': (pair, { spectra, covariances }, displacements) => {
    const { a, b, x } = spectra.variances;
    const of = a.map((variance, j) => variance + b![j]! - 2 * x![j]!);
    const { eigenvalues } = pair.a.basis;
    const moved = meanDisplacement(pair, displacements);
    const expected = weighted(eigenvalues, of) + weighted(eigenvalues, moved);
    const measured = displacements.part.causalNorm.reduce((sum, norm) => sum + norm * norm, 0) / pair.count;
    return judge(Math.abs(measured - expected), 4 * traceError(pair, covariances));
  },
  'map rows': (pair, { spectra }) =>
    judge(worstSum(spectra.overlap!, 'rows'), 2 * basisError(pair.a.source.columns)),
  'map columns': (pair, { spectra }) =>
    judge(worstSum(spectra.overlap!, 'columns'), 2 * basisError(pair.a.source.columns)),
};

/**
 * How far eigenvectors that are rounded to float32 may change the square of a length: E has columns of at most u, so that
 * ||V^T x||^2 is off by at most 2 ||E|| + ||E||^2, and the eigensolver by some d units of float64.
 */
export function basisError(d: number): number {
  return 2.5 * Math.sqrt(d) * FLOAT32_ROUNDOFF + 8 * d * ROUNDOFF;
}

/**
 * How far tr(M X) of a sum over n pairs may be off. Rounding errors of n terms are independent and of mean 0, so an entry of X
 * is off by sqrt(n) units of the sizes of its two coordinates, and v_j^T X v_j by as many of sum_a v_aj^2 size_a; weighed by
 * lambda_j that is sum_a M_aa size_a. The size of a coordinate is that of its square before its mean is taken off, which is
 * known no better.
 */
export function traceError(
  pair: ComparedPair,
  { a, b, means }: Pick<CrossCovariances, 'a' | 'b' | 'means'>,
): number {
  const d = pair.a.source.columns;
  const { eigenvalues, eigenvectors } = pair.a.basis;
  const sizes = [squareSizes(a, means.a), ...(haveOneSize(pair) ? [squareSizes(b, means.b)] : [])];
  let sum = 0;
  for (let k = 0; k < eigenvectors.length; k++) {
    const weight = eigenvalues[k % d]! * eigenvectors[k]! ** 2;
    for (const size of sizes) sum += weight * size[Math.floor(k / d)]!;
  }
  return DEVIATIONS * Math.sqrt(pair.count + d) * ROUNDOFF * sum;
}

/** Means of the squares of each coordinate, [d]. */
function squareSizes({ values, rows: d }: Matrix<Float64Array>, mean: Float64Array): Float64Array {
  return mean.map((value, j) => values[j * d + j]! + value * value);
}

/** sum_j lambda_j x_j */
export function weighted(eigenvalues: Float64Array, values: Float64Array): number {
  return eigenvalues.reduce((sum, lambda, j) => sum + lambda * values[j]!, 0);
}

/** (v_j . mean delta)^2, [d]. */
export function meanDisplacement(pair: ComparedPair, { sums }: Displacements): Float64Array {
  const mean = sums.sum.map((value) => value / pair.count);
  return rowTimesMatrix(mean, pair.a.basis.eigenvectors).map((value) => value * value);
}

/** How far the sums of squares of a matrix's rows or columns are from 1, at most. */
function worstSum({ values, rows: d }: Matrix<Float64Array>, of: 'rows' | 'columns'): number {
  const sums = new Float64Array(d);
  for (let k = 0; k < values.length; k++)
    sums[of === 'rows' ? Math.floor(k / d) : k % d]! += values[k]! * values[k]!;
  return sums.reduce((worst, sum) => {
    const deviation = Math.abs(sum - 1);
    return Number.isNaN(worst) || !(deviation <= worst) ? deviation : worst;
  }, 0);
}
