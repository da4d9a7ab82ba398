import type { Check } from '../checks/verdict.js';
import type { Executor } from '../executor/executor.js';
import type { Backend } from '../linalg/backend/backend.js';
import type { Matrix } from '../linalg/matrix.js';
import { linearCka } from '../linalg/similarity/cka.js';
import type { WayFigures } from '../output/series-folder.js';
import { stepUnits } from '../plan/pair-units.js';
import type { DisplacementPart } from '../tables/displacement-part.js';
import { type ComparedPair, pairOf } from './compared-pair.js';
import type { ComparedSide } from './compared-side.js';
import {
  coherenceOf,
  displacementFigures,
  expectedLinearCka,
  isConstant,
  stepFigures,
} from './comparison-figures.js';
import { type Factor, type Summed, sumProducts } from './cross-covariances.js';
import { sumDisplacements } from './measure-pairs.js';
import { wayChecks } from './series-checks.js';

/** A step of a series, with what its own rows give. */
export interface MeasuredStep {
  side: ComparedSide;
  /** C, float64 [d, d]. */
  covariance: Matrix<Float64Array>;
}

/** What has changed on the way from an earlier step. */
export interface MeasuredWay {
  figures: WayFigures;
  /** Every token's way. */
  part: DisplacementPart;
  checks: Check[];
}

/** Steps from which the ways to a step are measured; null both of the first step. */
export interface EarlierSteps {
  before: MeasuredStep | null;
  first: MeasuredStep | null;
}

/**
 * Measures a step, and the ways to it from the step before and from the first; the first step's is that from itself. Sums of
 * equal rows are equal to the last bit.
 *
 * Memory: a covariance of each of the three steps, and the figures of every token.
 */
export async function measureStep(
  side: ComparedSide,
  { before, first }: EarlierSteps,
  backend: Backend,
  executor: Executor,
): Promise<{ step: MeasuredStep; fromBefore: MeasuredWay | null; fromFirst: MeasuredWay }> {
  const own = sumProducts(
    pairWith(side, side, backend),
    { left: factor(side), right: factor(side) },
    executor,
  );
  const step = own.then(({ covariance }) => ({ side, covariance }));
  const way = (from: MeasuredStep | null) => measureWay(from ?? step, { side, own }, backend, executor);
  const fromFirst = way(first);
  const fromBefore = before === null ? null : before === first ? fromFirst : way(before);
  // All are waited for, also after a failure: none may go on beside what comes next.
  await Promise.allSettled([own, fromBefore, fromFirst]);
  return { step: await step, fromBefore: await fromBefore, fromFirst: await fromFirst };
}

/** The rows of all tokens of both sides, pair by pair. */
function pairWith(a: ComparedSide, b: ComparedSide, backend: Backend): ComparedPair {
  const ids = Int32Array.from({ length: b.source.rows }, (_, id) => id);
  const none = new Int32Array();
  const tokens = { by: 'id', a: ids, b: ids, onlyA: none, onlyB: none, ambiguous: 0 } as const;
  return { ...pairOf({ a, b }, tokens, backend), units: stepUnits(ids.length) };
}

/** All rows of a side, and their mean. */
function factor({ source, mean }: ComparedSide): Factor {
  const ids = Int32Array.from({ length: source.rows }, (_, id) => id);
  return { rows: { source, ids }, shift: mean };
}

/** @param from the earlier step, which is this one where the way of the first is measured */
async function measureWay(
  from: MeasuredStep | Promise<MeasuredStep>,
  { side, own }: { side: ComparedSide; own: Promise<Summed> },
  backend: Backend,
  executor: Executor,
): Promise<MeasuredWay> {
  const { side: earlier, covariance: a } = await from;
  const pair = pairWith(earlier, side, backend);
  const cross = sumProducts(pair, { left: factor(earlier), right: factor(side) }, executor);
  const moving = sumDisplacements(pair, earlier.mean, executor);
  await Promise.allSettled([cross, moving]);
  const [{ covariance: x, ...probed }, displacements] = [await cross, await moving];
  const { covariance: b, deviation } = await own;
  const found = { a, b, x, deviation: Math.max(deviation, probed.deviation), displacements };
  const isVaried = !isConstant(a, earlier.mean) && !isConstant(b, side.mean);
  return {
    figures: {
      displacement: displacementFigures(displacements),
      coherence: coherenceOf(displacements),
      steps: stepFigures(displacements),
      linearCka: isVaried
        ? { value: linearCka(x, a, b), expected: expectedLinearCka(a, b, pair.count) }
        : null,
    },
    part: displacements.part,
    checks: await wayChecks(pair, found),
  };
}
