import { z } from 'zod';
import { InputError } from '../errors.js';
import type { NormRecord } from '../input/norm/fold-source.js';
import { normRules } from '../input/norm/norm-rules.js';
import { normalisations } from '../input/normalisation.js';
import type { WeightingRecord } from '../input/weighting/read-weighting.js';
import { partitionFormats } from '../plan/plan-run.js';
import { rowSelections } from '../plan/row-selection.js';
import type { SecondMoment } from '../plan/second-moment.js';
import type { TableSize } from '../tables/part.js';

/** How a plan records a metric that is to be computed. */
export const computedMetricSchema = z.object({
  source: z.literal('computed'),
  /** rho; null where it is relative. */
  ridge: z.number().nullable(),
  /** r of rho = r tr C / d. Absent where rho is given. */
  relativeRidge: z.number().exactOptional(),
  /** Absent where the metric is the inverse of the covariance. */
  secondMoment: z.literal('uncentred').exactOptional(),
});
export type ComputedMetric = z.infer<typeof computedMetricSchema>;

/** How a plan and a manifest record a weighting of the rows. */
export const weightingRecordSchema = z.object({
  kind: z.enum(['unique', 'tokenizer', 'counts', 'bias', 'softmax']),
  path: z.string().nullable(),
  tensor: z.string().nullable(),
  sha256: z.string().nullable(),
  /** Runs from before it was told do not know it. */
  leftOut: z.number().nullable().default(null),
}) satisfies z.ZodType<WeightingRecord>;

/** How a plan records everything that decides a run's files. The fingerprint is a SHA-256 of all but tables and exports. */
export const runIdentitySchema = z.object({
  layout: z.number(),
  model: z.object({
    name: z.string(),
    contentSha256: z.string(),
    rows: z.number(),
    hidden: z.number(),
    dtype: z.string(),
  }),
  rows: z.enum(rowSelections),
  /** Absent where the rows are those of the unembedding. */
  side: z.literal('input').exactOptional(),
  /** Absent where the rows are taken as they are stored. */
  normalisation: z.enum(normalisations).exactOptional(),
  /** The final norm that is folded into the rows, by its content. Absent where none is. */
  norm: z
    .object({ rule: z.enum(normRules), sha256: z.string(), biasSha256: z.string().nullable() })
    .exactOptional(),
  /** How the rows are weighed, by its content. Absent where all are alike. */
  weights: weightingRecordSchema.pick({ kind: true, sha256: true }).exactOptional(),
  metric: z.union([
    computedMetricSchema,
    z.object({ source: z.literal('file'), sha256: z.string(), ridge: z.number().nullable() }),
  ]),
  format: z.enum(partitionFormats),
  partitionRows: z.number(),
  /** Null with --tables none. */
  tables: z.object({ top: z.number() }).nullable(),
  exports: z.array(z.string()),
});
export type RunIdentity = z.infer<typeof runIdentitySchema>;

/** What of a final norm decides the bytes of a run. */
export function normIdentity({ rule, sha256, bias }: NormRecord): NonNullable<RunIdentity['norm']> {
  return { rule, sha256, biasSha256: bias?.sha256 ?? null };
}

/** What of a weighting decides the bytes of a run. */
export function weightingIdentity({
  kind,
  sha256,
}: Pick<WeightingRecord, 'kind' | 'sha256'>): NonNullable<RunIdentity['weights']> {
  return { kind, sha256 };
}

/** What a metric is the inverse of, as far as the run decides it. */
export function secondMomentOf(metric: RunIdentity['metric']): SecondMoment {
  return metric.source === 'computed' ? (metric.secondMoment ?? 'centred') : 'centred';
}

/** What of a run's identity decides how its tables are measured. */
export function weighingOfTables({
  weights,
  metric,
}: Pick<RunIdentity, 'weights' | 'metric'>): Pick<TableSize, 'isWeighted' | 'areOfRows'> {
  const isWeighted = weights !== undefined;
  return { isWeighted, areOfRows: !isWeighted && secondMomentOf(metric) === 'uncentred' };
}

/** Something that two runs can differ in, in the words of the command line, and the value that a run has there. */
type Feature = readonly [string, (identity: RunIdentity) => string];

/** What decides the data of a run. */
const dataFeatures: readonly Feature[] = [
  ['layout', ({ layout }) => String(layout)],
  ['name of the model', ({ model }) => JSON.stringify(model.name)],
  ['weights', ({ model }) => hashText(model.contentSha256)],
  ['dtype of the weights', ({ model }) => model.dtype],
  ['shape', ({ model }) => `${model.rows} x ${model.hidden}`],
  ['--rows', ({ rows }) => rows],
  ['--side', ({ side }) => side ?? 'output'],
  ['normalisation', ({ normalisation }) => normalisation ?? 'none'],
  ['--fold-norm', ({ norm }) => (norm === undefined ? 'no' : `yes (${normText(norm)})`)],
  [
    'metric',
    ({ metric }) => (metric.source === 'computed' ? 'computed' : `file of ${hashText(metric.sha256)}`),
  ],
  ['ridge', ({ metric }) => ridgeText(metric)],
  ['--weights', ({ weights }) => (weights === undefined ? 'uniform' : weightsText(weights))],
  ['--second-moment', ({ metric }) => secondMomentOf(metric)],
  ['--format', ({ format }) => format],
  ['--partition-rows', ({ partitionRows }) => String(partitionRows)],
];

/** What is made of the data, and can be added to a finished run. */
const additionFeatures: readonly Feature[] = [
  ['--tables', ({ tables }) => (tables === null ? 'none' : 'all')],
  ['--top', ({ tables }) => (tables === null ? '' : String(tables.top))],
  ['--export', ({ exports }) => (exports.length === 0 ? 'none' : exports.join(','))],
];

/** Names what the data of two runs differ in, and how: 'ridge 1e-6 -> 1e-4'. */
export function dataDifferences(found: RunIdentity, wanted: RunIdentity): string[] {
  return differencesIn(dataFeatures, found, wanted);
}

/** Names which tables and exports two runs differ in, and how: '--top 20 -> 100'. */
export function additionDifferences(found: RunIdentity, wanted: RunIdentity): string[] {
  return differencesIn(additionFeatures, found, wanted);
}

function differencesIn(features: readonly Feature[], found: RunIdentity, wanted: RunIdentity): string[] {
  return features.flatMap(([name, textOf]) => {
    const [there, here] = [textOf(found), textOf(wanted)];
    // What only one of them has, another feature tells.
    return there === here || there === '' || here === '' ? [] : [`${name} ${there} -> ${here}`];
  });
}

/**
 * Refuses a finished run of the same data that lacks tables or exports that are asked for. One that has more than that
 * lacks nothing: what is there stays.
 * @throws InputError that says which, and how they are added
 */
export function refuseLacking(directory: string, found: RunIdentity, wanted: RunIdentity): void {
  const exports = wanted.exports.filter((kind) => !found.exports.includes(kind));
  const { tables } = wanted;
  const lacksPlaces = tables !== null && tables.top > (found.tables?.top ?? 0);
  if (exports.length === 0 && !lacksPlaces) return;
  const joined = {
    ...found,
    exports: [...found.exports, ...exports].sort(),
    tables: lacksPlaces ? tables : found.tables,
  };
  const options = [
    ...(exports.length === 0 ? [] : [`--export ${exports.join(',')}`]),
    ...(lacksPlaces ? [`--tables all --top ${tables.top}`] : []),
  ];
  throw new InputError(
    `${directory}: holds this run, finished, without all that is asked for: its inputs or options differ: ` +
      `${additionDifferences(found, joined).join(', ')} (there -> here). Add it, without computing the run again, by ` +
      `eigenshard export ${directory} ${options.join(' ')}`,
  );
}

function normText({ rule, sha256, biasSha256 }: NonNullable<RunIdentity['norm']>): string {
  return [rule, hashText(sha256), ...(biasSha256 === null ? [] : [`bias ${hashText(biasSha256)}`])].join(
    ', ',
  );
}

/** '' for weights that no scan has told yet. */
function hashText(sha256: string): string {
  return sha256 === '' ? '' : `SHA-256 ${sha256.slice(0, 12)}`;
}

function ridgeText(metric: RunIdentity['metric']): string {
  if (metric.source === 'computed' && metric.relativeRidge !== undefined)
    return `relative=${numberText(metric.relativeRidge)}`;
  return metric.ridge === null ? 'unknown' : numberText(metric.ridge);
}

function weightsText({ kind, sha256 }: NonNullable<RunIdentity['weights']>): string {
  return sha256 === null || sha256 === '' ? kind : `${kind} (${hashText(sha256)})`;
}

/** As people write a ridge: 1e-6, not 0.000001. */
function numberText(value: number): string {
  return value !== 0 && Math.abs(value) < 0.1 ? value.toExponential() : String(value);
}
