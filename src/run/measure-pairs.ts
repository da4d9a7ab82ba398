import { type Executor, reduceTasks, runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { equalBands, SHARE_BANDS } from '../plan/bands.js';
import {
  type DisplacementPart,
  type DisplacementSums,
  emptyDisplacementPart,
  emptyDisplacementSums,
  placeDisplacementPart,
} from '../tables/displacement-part.js';
import { emptyNormPart, type NormPart, placeNormPart } from '../tables/norm-part.js';
import { type ComparedPair, rowsByUnit } from './compared-pair.js';
import type { RunContext } from './context.js';

type Context = Pick<RunContext, 'executor' | 'stopwatch'>;

/** Norms of the shared rows of both runs, each in its own metric, float64 [n] each. */
export interface PairNorms {
  a: NormPart;
  b: NormPart;
}

/**
 * Measures the shared rows of both runs on the pool.
 *
 * @param means of the shared rows
 */
export async function measureNorms(
  pair: ComparedPair,
  means: { a: Float64Array; b: Float64Array },
  { executor, stopwatch }: Context,
): Promise<PairNorms> {
  const norms = { a: emptyNormPart(pair.count), b: emptyNormPart(pair.count) };
  await stopwatch.time('norms', 2 * pair.count, async (advance) => {
    for (const side of ['a', 'b'] as const) {
      const { basis } = pair[side];
      const picked = rowsByUnit(pair, pair.rows[side]);
      const inputs = pair.units.map((rows, unit) => ({
        rows,
        picked: picked[unit]!,
        mean: means[side],
        eigenvalues: basis.eigenvalues,
        eigenvectors: basis.reference,
        backend: pair.backend.choice,
      }));
      await runTasks(tellRows(executor, advance), 'causalNorms', inputs, (part, unit) =>
        placeNormPart(norms[side], part, pair.units[unit]!.first),
      );
    }
  });
  return norms;
}

/** Ways from the rows of A to those of B. */
export interface Displacements {
  part: DisplacementPart;
  sums: DisplacementSums;
  /** Largest deviation of the coordinates' square from the displacement's, relative to that. */
  deviation: number;
}

/**
 * Measures displacements on the pool; both runs have one hidden size.
 *
 * @param mean of the shared rows of A
 */
export async function measureDisplacements(
  pair: ComparedPair,
  mean: Float64Array,
  { executor, stopwatch }: Context,
): Promise<Displacements> {
  return stopwatch.time('displacements', pair.count, (advance) =>
    sumDisplacements(pair, { mean, bands: SHARE_BANDS }, tellRows(executor, advance)),
  );
}

/**
 * Measures displacements on an executor, and tells nobody; both runs have one hidden size.
 *
 * @param wish.mean of the shared rows of A
 * @param wish.bands of A's eigenvectors, whose shares are told, at most
 */
export async function sumDisplacements(
  pair: ComparedPair,
  { mean, bands: most }: { mean: Float64Array; bands: number },
  executor: Executor,
): Promise<Displacements> {
  const { basis } = pair.a;
  const d = mean.length;
  const length = Math.hypot(...mean);
  const direction = mean.map((value) => value / length);
  const bands = equalBands(d, most);
  const [left, right] = [rowsByUnit(pair, pair.rows.a), rowsByUnit(pair, pair.rows.b)];
  const inputs = pair.units.map((rows, unit) => ({
    rows,
    left: left[unit]!,
    right: right[unit]!,
    eigenvalues: basis.eigenvalues,
    eigenvectors: basis.reference,
    direction,
    bands,
    backend: pair.backend.choice,
  }));
  const part = emptyDisplacementPart(pair.count, bands.length);
  const sums = emptyDisplacementSums(d);
  let deviation = 0;
  await reduceTasks(executor, 'displacements', inputs, (result, unit) => {
    placeDisplacementPart(part, result.part, pair.units[unit]!.first);
    for (const name of Object.keys(sums) as (keyof DisplacementSums)[])
      for (let j = 0; j < d; j++) sums[name][j]! += result.sums[name][j]!;
    // One that is no number stays.
    if (!(result.coordinates <= deviation)) deviation = result.coordinates;
  });
  return { part, sums, deviation };
}
