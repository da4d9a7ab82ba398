import type { FoundConcepts } from '../run/concept-directions.js';
import { conceptControls } from '../tables/concept-controls.js';
import type { ConceptMetric, InMetrics } from '../tables/concept-geometry.js';
import type { ControlledFigure } from '../tables/concept-summary.js';
import { count, counted } from '../text/figures.js';
import { shownValue } from '../text/shown-value.js';
import { textTable } from '../text/text-table.js';

/** Concepts, and pairs that are left out, of which each is shown. */
const MOST_CONCEPTS = 100;
const MOST_PAIRS = 50;

const metrics: readonly ConceptMetric[] = ['causal', 'euclidean'];

/** Concepts as tables whose figures stand beside their controls, and the pairs that are left out. */
export function conceptsText({ directory, manifest, pairs }: FoundConcepts): string {
  const { concepts, leaveOneOut, between, independent } = manifest.summary;
  const left = pairs.filter(({ fate }) => fate !== 'used');
  const shown = concepts.slice(0, MOST_CONCEPTS);
  return [
    `${directory}: ${counted(concepts.length, 'concept')} of ${counted(pairs.length, 'pair')}, ${count(left.length)} left out`,
    '',
    'leave-one-out cosine, mean; controls: mean of ' +
      `${counted(manifest.controls.repeats, 'repeat')}, seed ${manifest.controls.seed}`,
    ...figureTable([
      ...shown.map(({ name, used, given, leaveOneOut: figures }) => ({
        name: `${shownName(name)} (${used} of ${given})`,
        figures,
      })),
      { name: 'all concepts', figures: leaveOneOut },
    ]),
    ...(concepts.length > shown.length
      ? [`and ${count(concepts.length - shown.length)} more, see concepts.parquet`]
      : []),
    '',
    `|cos| between two concepts, mean; independent directions: ${figure(independent)}`,
    ...figureTable([{ name: 'all concepts', figures: between }]),
    ...leftText(left),
  ].join('\n');
}

function figureTable(rows: readonly { name: string; figures: InMetrics<ControlledFigure> }[]): string[] {
  return textTable(
    [
      { name: 'concept', align: 'left' },
      { name: 'metric', align: 'left' },
      { name: 'measured', align: 'right' },
      ...conceptControls.map((name) => ({ name, align: 'right' as const })),
    ],
    rows.flatMap(({ name, figures }) =>
      metrics.map((metric, k) => [
        k === 0 ? name : '',
        metric,
        figure(figures[metric].measured),
        ...conceptControls.map((control) => {
          const { mean, deviation } = figures[metric].controls[control];
          return deviation === null ? figure(mean) : `${figure(mean)} +- ${figure(deviation)}`;
        }),
      ]),
    ),
  );
}

function leftText(left: FoundConcepts['pairs']): string[] {
  if (left.length === 0) return [];
  const shown = left.slice(0, MOST_PAIRS);
  const more =
    left.length > shown.length ? [`  and ${count(left.length - shown.length)} more, see pairs.parquet`] : [];
  return [
    '',
    `left out: ${counted(left.length, 'pair')}`,
    ...shown.map(
      ({ concept, a, b, fate }) =>
        `  ${shownName(concept)}: ${shownValue(a.given)}, ${shownValue(b.given)}: ${fate}`,
    ),
    ...more,
  ];
}

function shownName(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}

function figure(value: number | null): string {
  return value === null ? 'none' : value.toFixed(3);
}
