import {
  double,
  int32,
  nullableDouble,
  nullableInt32,
  nullableText,
  repetitive,
  type TableColumn,
  text,
} from '../formats/parquet-table.js';
import { type ControlOutcome, conceptControls } from './concept-controls.js';
import type { ConceptMetric, InMetrics } from './concept-geometry.js';
import type { MeasuredSet } from './concept-set.js';
import type { ConceptSummary } from './concept-summary.js';

/** A pair as its row of pairs.parquet has it. */
export interface PairRow {
  concept: string;
  a: PairEnd;
  b: PairEnd;
  fate: string;
  /** Places of the pair: that of its concept, and that among the pairs of the concept that are used; null of another. */
  measured: { list: number; pair: number } | null;
}

/** A token of a pair. */
export interface PairEnd {
  given: string;
  /** -1 where no token was found. */
  id: number;
  spelling: string | null;
  text: string | null;
}

/** Prefixes of columns, by metric. */
const prefixes: InMetrics<string> = { euclidean: '', causal: 'causal_' };
const metrics = Object.entries(prefixes) as [ConceptMetric, string][];

/** Columns of pairs.parquet: a row a pair, as they were given, whatever became of them. */
export function pairTable(pairs: readonly PairRow[], { lists }: MeasuredSet): TableColumn[] {
  const figures = (of: (list: MeasuredSet['lists'][number], pair: number) => number) =>
    Float64Array.from(
      pairs.map(({ measured }) =>
        measured === null ? Number.NaN : of(lists[measured.list]!, measured.pair),
      ),
    );
  const ends = (['a', 'b'] as const).flatMap((end) => [
    text(
      end,
      pairs.map((pair) => pair[end].given),
    ),
    nullableInt32(
      `${end}_id`,
      Int32Array.from(pairs, (pair) => pair[end].id),
    ),
    nullableText(
      `${end}_text`,
      pairs.map((pair) => pair[end].text),
    ),
    nullableText(
      `${end}_spelling`,
      pairs.map((pair) => pair[end].spelling),
    ),
  ]);
  return [
    repetitive(
      text(
        'concept',
        pairs.map(({ concept }) => concept),
      ),
    ),
    ...ends,
    repetitive(
      text(
        'fate',
        pairs.map(({ fate }) => fate),
      ),
    ),
    nullableInt32(
      'others',
      Int32Array.from(pairs, ({ measured }) =>
        measured === null ? -1 : lists[measured.list]!.others[measured.pair]!,
      ),
    ),
    ...metrics.flatMap(([metric, prefix]) => [
      nullableDouble(
        `${prefix}norm`,
        figures(({ pairNorms }, pair) => pairNorms[metric][pair]!),
      ),
      nullableDouble(
        `${prefix}cosine`,
        figures(({ leaveOneOut }, pair) => leaveOneOut[metric][pair]!),
      ),
    ]),
  ];
}

/** Columns of concepts.parquet: a row a concept, in the order of the vectors. */
export function conceptTable({ concepts }: ConceptSummary): TableColumn[] {
  const figures = (of: (concept: ConceptSummary['concepts'][number]) => number | null) =>
    Float64Array.from(concepts.map((concept) => of(concept) ?? Number.NaN));
  return [
    int32(
      'vector',
      Int32Array.from(concepts, (_, c) => c),
    ),
    text(
      'concept',
      concepts.map(({ name }) => name),
    ),
    int32(
      'pairs',
      Int32Array.from(concepts, ({ given }) => given),
    ),
    int32(
      'pairs_used',
      Int32Array.from(concepts, ({ used }) => used),
    ),
    ...metrics.flatMap(([metric, prefix]) => [
      double(
        `${prefix}norm`,
        Float64Array.from(concepts, ({ norm }) => norm[metric]),
      ),
      nullableDouble(
        `${prefix}cosine`,
        figures(({ leaveOneOut }) => leaveOneOut[metric].measured),
      ),
      ...conceptControls.map((control) =>
        nullableDouble(
          `${prefix}cosine_${nameOf(control)}`,
          figures(({ leaveOneOut }) => leaveOneOut[metric].controls[control].mean),
        ),
      ),
      nullableDouble(
        `${prefix}cosine_of_random_pairs`,
        figures(({ randomPairs }) => randomPairs[metric]),
      ),
    ]),
  ];
}

/** Columns of cosines.parquet: a row two concepts, the upper triangle of the matrix row by row. */
export function cosineTable(names: readonly string[], { cosines }: MeasuredSet): TableColumn[] {
  const count = names.length;
  const places = Array.from({ length: count }, (_, i) =>
    Array.from({ length: count - i - 1 }, (__, k) => [i, i + 1 + k] as const),
  ).flat();
  return [
    repetitive(
      text(
        'concept',
        places.map(([i]) => names[i]!),
      ),
    ),
    repetitive(
      text(
        'other',
        places.map(([, j]) => names[j]!),
      ),
    ),
    ...metrics.map(([metric, prefix]) =>
      nullableDouble(
        `${prefix}cosine`,
        Float64Array.from(places, ([i, j]) => cosines[metric][i * count + j]!),
      ),
    ),
  ];
}

/** Columns of controls.parquet: a row a control, repeat and figure; `concept` is null where the figure is of all. */
export function controlTable(names: readonly string[], outcomes: readonly ControlOutcome[]): TableColumn[] {
  const rows = outcomes.flatMap(({ control, repeat, leaveOneOut, between, along }) => [
    ...names.map((concept, c) => ({
      control,
      repeat,
      concept,
      figure: 'leave-one-out cosine',
      of: at(leaveOneOut, c),
    })),
    ...(along === null
      ? []
      : names.map((concept, c) => ({
          control,
          repeat,
          concept,
          figure: '|cos| with the concept',
          of: at(along, c),
        }))),
    { control, repeat, concept: null, figure: '|cos| between concepts', of: between },
  ]);
  return [
    repetitive(
      text(
        'control',
        rows.map(({ control }) => control),
      ),
    ),
    int32(
      'repeat',
      Int32Array.from(rows, ({ repeat }) => repeat),
    ),
    nullableText(
      'concept',
      rows.map(({ concept }) => concept),
    ),
    repetitive(
      text(
        'figure',
        rows.map(({ figure }) => figure),
      ),
    ),
    ...metrics.map(([metric, prefix]) =>
      nullableDouble(`${prefix}value`, Float64Array.from(rows.map(({ of }) => of[metric]))),
    ),
  ];
}

function at(values: InMetrics<Float64Array>, c: number): InMetrics<number> {
  return { euclidean: values.euclidean[c]!, causal: values.causal[c]! };
}

/** Name of a control in those of columns. */
function nameOf(control: string): string {
  return control.replaceAll(/\W/g, '_');
}
