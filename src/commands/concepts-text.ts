import type { ConceptManifest } from '../output/concept-folder.js';
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

/** Concepts as tables whose figures stand beside their controls, and the pairs that are left out, each by itself. */
export function conceptsText({ directory, manifest, pairs }: FoundConcepts): string {
  const left = pairs.filter(({ fate }) => fate !== 'used');
  return [...conceptLines(directory, manifest), ...leftText(left)].join('\n');
}

/** Concepts as their record has them: which pairs are left out, only their table knows. */
export function recordedConceptsText(directory: string, manifest: ConceptManifest): string {
  const { used: _, ...left } = manifest.pairs.fates;
  const fates = Object.entries(left).filter(([, pairs]) => pairs > 0);
  return [
    ...conceptLines(directory, manifest),
    ...(fates.length === 0
      ? []
      : [
          '',
          `left out, see pairs.parquet: ${fates.map(([fate, pairs]) => `${count(pairs)} ${fate}`).join(', ')}`,
        ]),
  ].join('\n');
}

function conceptLines(directory: string, { summary, pairs, controls }: ConceptManifest): string[] {
  const { concepts, leaveOneOut, between, independent } = summary;
  const left = pairs.given - (pairs.fates.used ?? 0);
  const shown = concepts.slice(0, MOST_CONCEPTS);
  return [
    `${directory}: ${counted(concepts.length, 'concept')} of ${counted(pairs.given, 'pair')}, ${count(left)} left out`,
    '',
    'leave-one-out cosine, mean; controls: mean of ' +
      `${counted(controls.repeats, 'repeat')}, seed ${controls.seed}`,
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
  ];
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
