import type { Check } from '../checks/verdict.js';
import type { Executor } from '../executor/executor.js';
import type { Backend } from '../linalg/backend/backend.js';
import type { Matrix } from '../linalg/matrix.js';
import { multiplied, transposeOf } from '../linalg/matrix-products.js';
import { linearCka } from '../linalg/similarity/cka.js';
import type { WayFigures } from '../output/series-folder.js';
import { stepUnits } from '../plan/pair-units.js';
import type { RowRange } from '../plan/row-ranges.js';
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
import { type Summed, sumProducts } from './cross-covariances.js';
import { sumDisplacements } from './measure-pairs.js';
import { wayChecks } from './series-checks.js';

/** A step of a series, with what is being made of its own rows. */
export interface OpenStep {
  side: ComparedSide;
  /** C, [d, d], and how far its probe is off. */
  own: Promise<Summed>;
  /** M = V diag(lambda) V^T, float64 [d, d]. */
  metric: Promise<Matrix<Float64Array>>;
}

/** What has changed on the way from an earlier step. */
export interface MeasuredWay {
  figures: WayFigures;
  /** Every token's way. */
  part: DisplacementPart;
  checks: Check[];
}

/** Ways to a step. */
export interface MeasuredStep {
  side: ComparedSide;
  /** From the step before; null of the first. */
  fromBefore: MeasuredWay | null;
  /** From the first, which that of the first itself is, too. */
  fromFirst: MeasuredWay;
}

/** Measures the steps of a series; all have the same tokens by id. */
export class StepMeter {
  readonly #ids: Int32Array;
  readonly #units: readonly RowRange[];
  readonly #backend: Backend;
  readonly #executor: Executor;

  /** @param rows number of tokens V */
  constructor(rows: number, backend: Backend, executor: Executor) {
    this.#ids = Int32Array.from({ length: rows }, (_, id) => id);
    this.#units = stepUnits(rows);
    this.#backend = backend;
    this.#executor = executor;
  }

  /** Begins with what a step's own rows and basis give. */
  open(side: ComparedSide): OpenStep {
    const own = this.#sum(side, side);
    const metric = metricOf(side, this.#backend);
    // Whoever awaits them hears of a failure; until then it must not end the process.
    void Promise.allSettled([own, metric]);
    return { side, own, metric };
  }

  /**
   * Measures the ways to a step from the step before and from the first. Sums of equal rows are equal to the last bit.
   *
   * @param before null of the first step
   */
  async measure(
    step: OpenStep,
    { before, first }: { before: OpenStep | null; first: OpenStep },
  ): Promise<MeasuredStep> {
    const fromFirst = this.#way(first, step);
    const fromBefore = before === null ? null : before === first ? fromFirst : this.#way(before, step);
    // All are waited for, also after a failure: none may go on beside what comes next.
    await Promise.allSettled([fromBefore, fromFirst]);
    return { side: step.side, fromBefore: await fromBefore, fromFirst: await fromFirst };
  }

  async #way(from: OpenStep, to: OpenStep): Promise<MeasuredWay> {
    const [a, b] = [from.side, to.side];
    const pair = this.#pair(a, b);
    const cross = this.#sum(a, b);
    const moving = sumDisplacements(pair, { mean: a.mean, bands: 0 }, this.#executor);
    await Promise.allSettled([cross, moving, from.own, to.own, from.metric]);
    const [ofA, ofB, { covariance: x, deviation }] = [await from.own, await to.own, await cross];
    const displacements = await moving;
    const covariances = { a: ofA.covariance, b: ofB.covariance, x };
    return {
      figures: {
        displacement: displacementFigures(displacements),
        coherence: coherenceOf(displacements),
        steps: stepFigures(displacements),
        linearCka: ckaOf(pair, covariances),
      },
      part: displacements.part,
      checks: wayChecks(pair, {
        ...covariances,
        deviation: Math.max(ofB.deviation, deviation),
        displacements,
        metric: await from.metric,
      }),
    };
  }

  #sum(left: ComparedSide, right: ComparedSide): Promise<Summed> {
    const factor = ({ source, mean }: ComparedSide) => ({ rows: { source, ids: this.#ids }, shift: mean });
    return sumProducts(this.#pair(left, right), { left: factor(left), right: factor(right) }, this.#executor);
  }

  /** The rows of all tokens of both sides, pair by pair. */
  #pair(a: ComparedSide, b: ComparedSide): ComparedPair {
    const none = new Int32Array();
    const ids = this.#ids;
    const tokens = { by: 'id', a: ids, b: ids, onlyA: none, onlyB: none, ambiguous: 0 } as const;
    return { ...pairOf({ a, b }, tokens, this.#backend), units: this.#units };
  }
}

function ckaOf(
  { a: { mean: meanA }, b: { mean: meanB }, count }: ComparedPair,
  { a, b, x }: Record<'a' | 'b' | 'x', Matrix<Float64Array>>,
): WayFigures['linearCka'] {
  if (isConstant(a, meanA) || isConstant(b, meanB)) return null;
  return { value: linearCka(x, a, b), expected: expectedLinearCka(a, b, count) };
}

async function metricOf({ basis }: ComparedSide, backend: Backend): Promise<Matrix<Float64Array>> {
  const { eigenvalues, eigenvectors } = basis;
  const d = eigenvalues.length;
  const v = { values: Float64Array.from(eigenvectors), rows: d, columns: d };
  const weighed = { ...v, values: v.values.map((value, k) => value * eigenvalues[k % d]!) };
  return multiplied(weighed, transposeOf(v), backend);
}
