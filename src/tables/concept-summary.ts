import { type ConceptControl, type ControlOutcome, conceptControls } from './concept-controls.js';
import { conceptMetrics, type InMetrics } from './concept-geometry.js';
import {
  deviationOfKnown,
  independentCosine,
  leaveOneOutMeans,
  type MeasuredSet,
  meanBetween,
  meanOfKnown,
} from './concept-set.js';

/** A figure and, beside it, what the controls came to; null where nothing is known. */
export interface ControlledFigure {
  measured: number | null;
  /** Mean over the repeats, and their standard deviation. */
  controls: Record<ConceptControl, { mean: number | null; deviation: number | null }>;
}

/** Figures of one concept. */
export interface ConceptFigures {
  name: string;
  /** Pairs that were given, and those of them that are used. */
  given: number;
  used: number;
  /** Norm of the mean difference. */
  norm: InMetrics<number>;
  /** Mean of the leave-one-out cosines. */
  leaveOneOut: InMetrics<ControlledFigure>;
  /** Mean |cos| of random pairs with the direction of the concept. */
  randomPairs: InMetrics<number | null>;
}

/** What concepts came to, with their controls. */
export interface ConceptSummary {
  concepts: ConceptFigures[];
  /** Mean over the concepts of their leave-one-out cosines. */
  leaveOneOut: InMetrics<ControlledFigure>;
  /** Mean |cos| between two concepts. */
  between: InMetrics<ControlledFigure>;
  /** Mean |cos| of independent random directions: sqrt(2 / (pi d)). */
  independent: number;
}

/** Sums up concepts and their controls. @param names of the concepts, with the number of pairs that each was given */
export function summariseConcepts(
  names: readonly { name: string; given: number }[],
  set: MeasuredSet,
  outcomes: readonly ControlOutcome[],
  d: number,
): ConceptSummary {
  const means = leaveOneOutMeans(set.lists);
  const between = meanBetween(set);
  const figure = (
    measured: InMetrics<number>,
    of: (outcome: ControlOutcome) => InMetrics<number>,
  ): InMetrics<ControlledFigure> =>
    inMetrics((metric) => ({
      measured: known(measured[metric]),
      controls: Object.fromEntries(
        conceptControls.map((control) => {
          const values = outcomes
            .filter((outcome) => outcome.control === control)
            .map((outcome) => of(outcome)[metric]);
          return [control, { mean: known(meanOfKnown(values)), deviation: known(deviationOfKnown(values)) }];
        }),
      ) as ControlledFigure['controls'],
    }));
  return {
    concepts: names.map(({ name, given }, c) => ({
      name,
      given,
      used: set.lists[c]!.others.length,
      norm: set.lists[c]!.norms,
      leaveOneOut: figure(
        inMetrics((metric) => means[metric][c]!),
        ({ leaveOneOut }) => inMetrics((metric) => leaveOneOut[metric][c]!),
      ),
      randomPairs: inMetrics((metric) =>
        known(meanOfKnown(outcomes.flatMap(({ along }) => (along === null ? [] : [along[metric][c]!])))),
      ),
    })),
    leaveOneOut: figure(
      inMetrics((metric) => meanOfKnown(means[metric])),
      ({ leaveOneOut }) => inMetrics((metric) => meanOfKnown(leaveOneOut[metric])),
    ),
    between: figure(between, (outcome) => outcome.between),
    independent: independentCosine(d),
  };
}

function inMetrics<Value>(of: (metric: keyof InMetrics<unknown>) => Value): InMetrics<Value> {
  return Object.fromEntries(
    conceptMetrics.map((metric) => [metric, of(metric)]),
  ) as unknown as InMetrics<Value>;
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
