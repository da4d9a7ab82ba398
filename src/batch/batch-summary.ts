import { existsSync } from 'node:fs';
import path from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { InputError } from '../errors.js';
import { sweepPartialFiles, writeFileAtomically } from '../files/partial-file.js';
import { readShortFile } from '../files/read-text.js';
import type { Manifest } from '../output/manifest.js';
import { totalSeconds } from '../run/stopwatch.js';
import { type SpectralFigureName, spectralFigures } from '../tables/spectral-figures.js';
import { createdBy } from '../version.js';
import { SUMMARY_NAME } from './batch-config.js';
import { folderOf } from './batch-plan.js';
import type { Outcome } from './outcome.js';

/** Key of the metadata that mark the table as a batch's. */
const BATCH_KEY = 'eigenshard.batch';

type Cell = string | number | boolean | null;
type ColumnType = 'STRING' | 'INT32' | 'DOUBLE' | 'BOOLEAN';
type Column = readonly [ColumnType, (manifest: Manifest) => Cell];

/** Figures of the spectrum, by their names; null where they are not known. */
const spectralColumns = Object.fromEntries(
  spectralFigures.map(({ name }) => [name, figureColumn(name)] as const),
) as Record<SpectralFigureName, ReturnType<typeof figureColumn>>;

function figureColumn(name: SpectralFigureName) {
  return ['DOUBLE', ({ spectralFigures: figures }: Manifest) => figures[name] ?? null] as const;
}

/** Columns that a finished run's manifest gives. A run that is not finished has null in all of them. */
const manifestColumns = {
  fingerprint: ['STRING', ({ fingerprint }) => fingerprint],
  tensor: ['STRING', ({ model }) => model.tensor],
  dtype: ['STRING', ({ model }) => model.dtype],
  /** Vocabulary rows V. */
  rows: ['INT32', ({ model }) => model.rows],
  /** Hidden size d. */
  hidden: ['INT32', ({ model }) => model.hidden],
  /** What the final norm is that is folded into the rows; null where none is. */
  norm_rule: ['STRING', ({ model }) => model.norm?.rule ?? null],
  /** How the rows are weighed: 'uniform', or the kind of the weights. */
  weights: ['STRING', ({ weights }) => weights?.kind ?? 'uniform'],
  /** 1 / sum w^2: V where all rows are alike. */
  effective_rows: ['DOUBLE', ({ weights, model }) => weights?.effectiveRows ?? model.rows],
  metric: ['STRING', ({ metric }) => metric.source],
  /** Whether the metric is the inverse of this checkpoint's covariance; null where it cannot be told. */
  metric_matches: ['BOOLEAN', ({ metric }) => metric.matches],
  /** What a computed metric is the inverse of: 'centred' or 'uncentred'; null where it was given. */
  second_moment: ['STRING', ({ metric }) => (metric.source === 'computed' ? metric.secondMoment : null)],
  ridge: ['DOUBLE', ({ metric }) => metric.ridge],
  /** rho over the smallest c; null where either is not known. */
  ridge_share: ['DOUBLE', ({ eigenvalues }) => eigenvalues.ridgeShare],
  lambda_minimum: ['DOUBLE', ({ eigenvalues }) => eigenvalues.minimum],
  lambda_median: ['DOUBLE', ({ eigenvalues }) => eigenvalues.median],
  lambda_mean: ['DOUBLE', ({ eigenvalues }) => eigenvalues.mean],
  lambda_maximum: ['DOUBLE', ({ eigenvalues }) => eigenvalues.maximum],
  /** Ratio lambda_maximum / lambda_minimum. */
  condition_number: ['DOUBLE', ({ eigenvalues }) => eigenvalues.conditionNumber],
  /** Ratio (sum lambda)^2 / sum lambda^2. */
  lambda_participation_ratio: ['DOUBLE', ({ eigenvalues }) => eigenvalues.participationRatio],
  /** Ratio (sum c)^2 / sum c^2 of the eigenvalues of C; of the variances of the projections where `metric_matches` is not true. */
  covariance_participation_ratio: ['DOUBLE', ({ eigenvalues }) => eigenvalues.covarianceParticipationRatio],
  /** Number of directions whose c is below the ridge; null, as the next, where the ridge is not known. */
  ridge_bound: ['INT32', ({ eigenvalues }) => eigenvalues.ridgeBound],
  /** Numerical rank of C. */
  covariance_rank: ['INT32', ({ eigenvalues }) => eigenvalues.rank],
  /** Logarithm ln det M. */
  log_determinant: ['DOUBLE', ({ eigenvalues }) => eigenvalues.logDeterminant],
  identity_distance_frobenius: ['DOUBLE', ({ eigenvalues }) => eigenvalues.identityDistance.frobenius],
  identity_distance_spectral: ['DOUBLE', ({ eigenvalues }) => eigenvalues.identityDistance.spectral],
  ...spectralColumns,
  norm_mean: ['DOUBLE', ({ norms }) => norms.euclidean.mean],
  norm_standard_deviation: ['DOUBLE', ({ norms }) => norms.euclidean.standardDeviation],
  causal_norm_mean: ['DOUBLE', ({ norms }) => norms.causal.mean],
  causal_norm_standard_deviation: ['DOUBLE', ({ norms }) => norms.causal.standardDeviation],
  /** Mean of the tokens' causal_norm / norm; null, as the counts below, where a run has no tables. */
  distortion_mean: ['DOUBLE', ({ tables }) => tables?.summary.distortionMean ?? null],
  /** Of the bias of the tokens' logits; null where there is none, too. */
  logit_bias_mean: ['DOUBLE', ({ tables }) => tables?.summary.logitBias?.mean ?? null],
  logit_bias_standard_deviation: [
    'DOUBLE',
    ({ tables }) => tables?.summary.logitBias?.standardDeviation ?? null,
  ],
  /** Rows that the tokenizer has a token for; null without one, too. */
  tokens: ['INT32', ({ tables }) => tables?.summary.counts.tokens ?? null],
  /** Rows that the tokenizer has no token for; null without one, too. */
  orphans: ['INT32', ({ tables }) => tables?.summary.counts.orphans ?? null],
  duplicate_groups: ['INT32', ({ tables }) => tables?.summary.counts.duplicateGroups ?? null],
  duplicate_rows: ['INT32', ({ tables }) => tables?.summary.counts.duplicateRows ?? null],
  /** Time of all stages of the call that finished the run. */
  seconds: ['DOUBLE', ({ execution }) => totalSeconds(execution.seconds)],
} satisfies Record<string, Column>;

/** Row of one run of a batch, as `summary.parquet` and the printed table have it. */
export type BatchSummaryRow = {
  model: string;
  status: Outcome['status'];
  /** Reason why the run failed. */
  error: string | null;
  /** Folder of the run, below the batch's; null where the model was not found. */
  folder: string | null;
  /** Whether an earlier call had finished the run; null of one that is not finished, or another process's. */
  finished_before: boolean | null;
} & { [Name in keyof typeof manifestColumns]: ReturnType<(typeof manifestColumns)[Name][1]> | null };

const runColumns = {
  model: 'STRING',
  status: 'STRING',
  error: 'STRING',
  folder: 'STRING',
  finished_before: 'BOOLEAN',
} as const satisfies Partial<Record<keyof BatchSummaryRow, ColumnType>>;

/** Row of a run by its outcome. */
export function summaryRow(outcome: Outcome): BatchSummaryRow {
  const { run, status } = outcome;
  const manifest = status === 'finished' ? outcome.manifest : null;
  const figures = Object.entries(manifestColumns).map(([name, [, figure]]) => [
    name,
    manifest === null ? null : figure(manifest),
  ]);
  return {
    model: run.name,
    status,
    error: status === 'failed' ? outcome.message : null,
    folder: folderOf(run),
    finished_before: status === 'finished' ? outcome.finishedBefore : null,
    ...Object.fromEntries(figures),
  };
}

/** Writes `summary.parquet`, one row a run, in the order of the configuration. @returns its path */
export function writeBatchSummary(directory: string, outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(summaryRow);
  const types: Record<string, ColumnType> = {
    ...runColumns,
    ...Object.fromEntries(Object.entries(manifestColumns).map(([name, [type]]) => [name, type])),
  };
  const buffer = parquetWriteBuffer({
    columnData: Object.entries(types).map(([name, type]) => ({
      name,
      type,
      nullable: true,
      data: rows.map((row) => row[name as keyof BatchSummaryRow]),
    })),
    kvMetadata: [{ key: BATCH_KEY, value: '1' }],
    createdBy,
  });
  const file = path.join(directory, SUMMARY_NAME);
  sweepPartialFiles(directory, SUMMARY_NAME);
  writeFileAtomically(file, [new Uint8Array(buffer)]);
  return file;
}

/** Refuses to overwrite a file that no batch wrote. @throws InputError where one stands where the summary will go */
export function refuseForeignSummary(directory: string): void {
  const file = path.join(directory, SUMMARY_NAME);
  if (!existsSync(file) || isSummary(file)) return;
  throw new InputError(
    `${file}: exists, and no eigenshard batch wrote it. Move it away, or give another --out`,
  );
}

/** The summary that lies in a directory; null where there is none, or no batch wrote it. */
export function batchSummaryFile(directory: string): string | null {
  const file = path.join(directory, SUMMARY_NAME);
  return existsSync(file) && isSummary(file) ? file : null;
}

function isSummary(file: string): boolean {
  try {
    const bytes = readShortFile(file, 'the summary of a batch');
    const { key_value_metadata: pairs } = parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    );
    return pairs?.some(({ key }) => key === BATCH_KEY) ?? false;
  } catch {
    // Not a Parquet file at all.
    return false;
  }
}
