import { productRounding } from '../checks/rounding.js';
import { type Check, judge } from '../checks/verdict.js';
import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { emptyIndicators, indicatorNames, type TokenIndicators } from '../tables/indicators.js';
import { gatherRows } from './gather-rows.js';
import { partitionInputs } from './partition-inputs.js';
import type { LockedRun } from './plan-extension.js';

/** Mean of the rows of some tokens, in the coordinates of the eigenbasis, float64 [d]. @param tokens ascending */
export async function meanOfRows(run: LockedRun, tokens: Int32Array): Promise<Float64Array> {
  const d = run.manifest.model.hidden;
  const mean = new Float64Array(d);
  await gatherRows(run, tokens, (rows) => {
    for (let k = 0; k < rows.length; k++) mean[k % d]! += rows[k]!;
  });
  return mean.map((sum) => sum / tokens.length);
}

/** What tokens are compared with; arrays are [d], in the coordinates of the eigenbasis. */
export interface IndicatorReference {
  /** Mean of the reference. */
  reference: Float64Array;
  /** Mean of all rows, each counted the same. */
  mean: Float64Array;
  eigenvalues: Float64Array;
}

/** Measures how near all tokens are to a reference, on the pool, from partitions that are known to be intact. */
export async function measureIndicators(
  run: LockedRun,
  compared: IndicatorReference,
): Promise<TokenIndicators> {
  const { rows } = run.manifest.model;
  const all = emptyIndicators(rows);
  const inputs = partitionInputs(run).map((partition) => ({ ...partition, ...compared }));
  await run.context.stopwatch.time('indicators', rows, (advance) =>
    runTasks(tellRows(run.context.executor, advance), 'indicators', inputs, (found, index) => {
      for (const name of indicatorNames) all[name].set(found[name], inputs[index]!.rows.first);
    }),
  );
  return all;
}

/** Norms of all tokens, [V] each. */
export interface TokenNorms {
  norm: Float64Array;
  causalNorm: Float64Array;
}

/**
 * Judges the mean squared distances of all tokens by what follows from the tables alone: the mean of ||gamma||^2, less
 * 2 mu . u, plus ||u||^2, in both metrics. Every row counts the same, whatever the weights of the run.
 */
export function indicatorChecks(
  { d: distances, causalDistance }: TokenIndicators,
  { norm, causalNorm }: TokenNorms,
  { reference, mean, eigenvalues }: IndicatorReference,
): Check[] {
  const meanSquare = (values: Float64Array) =>
    values.reduce((sum, value) => sum + value * value, 0) / values.length;
  const deviation = (found: Float64Array, norms: Float64Array, weight: (j: number) => number) => {
    let [product, square] = [0, 0];
    for (const [j, u] of reference.entries()) {
      product += weight(j) * mean[j]! * u;
      square += weight(j) * u * u;
    }
    const scale = meanSquare(norms) + square;
    return Math.abs(meanSquare(found) - (scale - 2 * product)) / scale;
  };
  const tolerance = productRounding(reference.length);
  return [
    {
      name: 'mean squared distance',
      what: '| mean_i ||gamma_i - u||^2 - (mean_i ||gamma_i||^2 - 2 mu . u + ||u||^2) |, relative',
      ...judge(
        deviation(distances, norm, () => 1),
        tolerance,
      ),
    },
    {
      name: 'mean squared causal distance',
      what: 'the same sums in M, relative',
      ...judge(
        deviation(causalDistance, causalNorm, (j) => eigenvalues[j]!),
        tolerance,
      ),
    },
  ];
}
