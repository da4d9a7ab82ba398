import { nullableDouble, sorted, type TableColumn, text } from '../formats/parquet-table.js';
import type { StepRecord, WayFigures } from './series-folder.js';

type Figure<Of> = (of: Of) => number | null | undefined;

/** Figures of a step, by their names. */
const ownFigures = {
  lambda_minimum: ({ eigenvalues }) => eigenvalues.minimum,
  lambda_median: ({ eigenvalues }) => eigenvalues.median,
  lambda_maximum: ({ eigenvalues }) => eigenvalues.maximum,
  lambda_participation_ratio: ({ eigenvalues }) => eigenvalues.participationRatio,
  covariance_participation_ratio: ({ eigenvalues }) => eigenvalues.covarianceParticipationRatio,
  norm_mean: ({ norms }) => norms.mean,
  norm_standard_deviation: ({ norms }) => norms.standardDeviation,
} satisfies Record<string, Figure<StepRecord>>;

/** Figures of the way to a step, by their names, which go on with `_before` or `_first`. */
const wayFigures = {
  moved: ({ displacement }) => displacement.moved,
  displacement_mean: ({ displacement }) => displacement.norm.mean,
  causal_displacement_mean: ({ displacement }) => displacement.causalNorm.mean,
  coherence: ({ coherence }) => coherence?.length,
  mean_cosine: ({ coherence }) => coherence?.meanCosine,
  linear_cka: ({ linearCka }) => linearCka?.value,
  linear_cka_expected: ({ linearCka }) => linearCka?.expected,
  bf16_frozen: ({ steps }) => steps?.frozen,
  bf16_neighbour: ({ steps }) => steps?.neighbour,
  bf16_further: ({ steps }) => steps?.further,
  bf16_steps_mean: ({ steps }) => steps?.mean,
} satisfies Record<string, Figure<WayFigures>>;

type WayColumn = keyof typeof wayFigures;

/** Name of a column of figures. */
export type SeriesColumn = keyof typeof ownFigures | `${WayColumn}_before` | `${WayColumn}_first`;

/** Figures of every step by the names of their columns, [steps] each; NaN where one is not known. */
export function seriesFigures(steps: readonly StepRecord[]): Record<SeriesColumn, Float64Array> {
  const column = (figure: Figure<StepRecord>) =>
    Float64Array.from(steps, (step) => figure(step) ?? Number.NaN);
  const ways = (Object.entries(wayFigures) as [WayColumn, Figure<WayFigures>][]).flatMap(([name, figure]) => [
    [`${name}_before`, column(({ fromBefore }) => fromBefore && figure(fromBefore))],
    [`${name}_first`, column(({ fromFirst }) => figure(fromFirst))],
  ]);
  const own = Object.entries(ownFigures).map(([name, figure]) => [name, column(figure)]);
  return Object.fromEntries([...own, ...ways]);
}

/** Columns of series.parquet: a row a step. */
export function seriesTable(steps: readonly StepRecord[]): TableColumn[] {
  return [
    sorted('step', Int32Array.from(steps.keys())),
    ...(['directory', 'model', 'fingerprint', 'dtype'] as const).map((name) =>
      text(
        name === 'directory' ? 'run' : name,
        steps.map(({ run }) => run[name]),
      ),
    ),
    ...Object.entries(seriesFigures(steps)).map(([name, values]) => nullableDouble(name, values)),
  ];
}
