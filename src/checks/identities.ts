import { columnMeans } from './averages.js';
import { columnErrors, type ErrorSources, errorSources } from './column-errors.js';
import { checkCovariance } from './covariance-identities.js';
import { type Expected, UNKNOWN_MEAN } from './expected.js';
import type { Measurements } from './measurements.js';
import type { RowDeviation } from './row-deviation.js';
import { type Check, DEVIATIONS, type Judged, judge, notApplicable } from './verdict.js';
import { worstColumn } from './worst-column.js';

/** Limit that the original notebook prints beside the difference of norms; absolute, so it is reported, not judged. */
export const NOTEBOOK_NORM_LIMIT = 1e-4;
/** Limit that the notebook prints beside the off-diagonal entries of V^T V; reported, not judged. */
export const NOTEBOOK_ORTHONORMALITY_LIMIT = 1e-5;

/** Name of the check of the row norms, which needs the checkpoint's rows. */
export const ROW_NORMS = 'row norms';
/** Name of the check by the probe, which needs the checkpoint's rows. */
export const PROBE = 'probe';

/** Judges identities 2 to 6, of the projections; the basis's own, 1, is checkBasis's. */
export function checkProjections(measurements: Measurements, expected: Expected): Check[] {
  const sources = errorSources(measurements, expected);
  return [
    filesCheck(measurements.problems),
    checkNorms(measurements),
    checkProbe(measurements),
    checkColumnMeans(measurements, expected.meanProjections, sources),
    ...checkCovariance(measurements, expected, sources),
  ];
}

/**
 * Judges the files themselves.
 * @param problems faults of the files, in words
 */
export function filesCheck(problems: readonly string[]): Check {
  return {
    name: 'files',
    what: 'checksums, layout, token ids 0..V-1 each exactly once and in order, every value finite',
    measured: problems.length,
    tolerance: 0,
    verdict: problems.length === 0 ? 'passed' : 'failed',
    ...(problems.length > 0 ? { detail: problems.join('\n') } : {}),
  };
}

function checkNorms({ normDifference }: Measurements): Check {
  return {
    name: ROW_NORMS,
    what: '| ||gamma_i|| - ||p_i|| | / ||gamma_i||, where it is largest for its tolerance',
    ...judgeRow(normDifference),
  };
}

function checkProbe({ probe }: Measurements): Check {
  return {
    name: PROBE,
    what: 'Freivalds: max_i | p_i . r - gamma_i . (V r) | / ||gamma_i||, of two random unit vectors r',
    ...judgeRow(probe),
  };
}

function judgeRow({ relative, tolerance, row }: RowDeviation): Judged {
  return { ...judge(relative, tolerance), detail: `worst at token ${row}` };
}

/** Judges identity 2, of the means. It is about the eigenvectors as they are stored, so only products have errors. */
function checkColumnMeans(
  measurements: Measurements,
  meanProjections: Expected['meanProjections'],
  sources: ErrorSources,
): Check {
  const identity = {
    name: 'column means',
    what: `| ${measurements.weighted === undefined ? 'mean_i p_ij' : 'sum_i w_i p_ij'} - mu . v_j |, where it is largest for its tolerance`,
  };
  if (meanProjections === null) return { ...identity, ...notApplicable(UNKNOWN_MEAN) };
  const { means, excesses } = columnErrors(measurements, sources);
  const { index, deviation, tolerance } = worstColumn(
    columnMeans(measurements).map((mean, j) => Math.abs(mean - meanProjections[j]!)),
    means.map((variance, j) => DEVIATIONS * Math.sqrt(Math.max(variance, excesses.means[j]!))),
  );
  return { ...identity, ...judge(deviation, tolerance), detail: `worst at index ${index}` };
}
