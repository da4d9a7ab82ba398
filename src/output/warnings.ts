import { whyMatchIsUnknown } from '../checks/covariance-identities.js';
import { FEW_ROWS } from '../input/weighting/row-weights.js';
import { count, percent } from '../text/figures.js';
import type { RunResults } from './manifest.js';

/** Share of the counts above which it is warned of that they are left out. */
const MOST_LEFT_OUT = 0.01;

/** What a person must know before taking the figures of a run for the data's; empty where there is nothing. */
export function warningsOf({
  metric,
  eigenvalues,
  model,
  weights,
  verification: { checks },
}: Pick<RunResults, 'metric' | 'eigenvalues' | 'model' | 'weights' | 'verification'>): string[] {
  const warnings: string[] = [];
  if (metric.matches === false) {
    warnings.push(
      "the given metric is not the inverse of this checkpoint's covariance: all causal figures are those of another " +
        'model or covariance; leave --metric away to have this one computed',
    );
  }
  const unknown = metric.source === 'file' ? whyMatchIsUnknown(checks) : null;
  if (unknown !== null)
    warnings.push(`whether the given metric belongs to this checkpoint is not known: ${unknown}`);
  const leftOut = weights?.leftOut ?? 0;
  if (leftOut > MOST_LEFT_OUT)
    warnings.push(
      `${percent(leftOut)} of the counts are left out, whose texts stand for no token or for several: the weights are those of ` +
        'the others; give token ids, or texts as tokens.parquet has them',
    );
  if (weights !== null && weights.effectiveRows < FEW_ROWS * model.hidden) {
    warnings.push(
      `by their weights the ${count(model.rows)} rows are worth ${count(Math.round(weights.effectiveRows))} of equal weight ` +
        `(1 / sum w^2), fewer than ${FEW_ROWS} d = ${count(FEW_ROWS * model.hidden)}: the small end of the covariance, and with ` +
        'it the largest lambda, rests on a few rows',
    );
  }
  const { ridgeBound } = eigenvalues;
  if (ridgeBound !== null && ridgeBound > 0) {
    const [are, their] = ridgeBound === 1 ? ['is', 'its'] : ['are', 'their'];
    warnings.push(
      `${count(ridgeBound)} of ${count(model.hidden)} directions ${are} set by the ridge: ${their} causal weight is rho's choice, not the data's`,
    );
  }
  return warnings;
}
