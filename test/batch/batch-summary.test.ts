import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import type { PlannedRun } from '../../src/batch/batch-plan.js';
import { refuseForeignSummary, summaryRow, writeBatchSummary } from '../../src/batch/batch-summary.js';
import type { Outcome } from '../../src/batch/outcome.js';
import { batchSummaryText } from '../../src/commands/batch-text.js';
import { InputError } from '../../src/errors.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleManifest } from '../helpers/sample-manifest.js';

const run = { index: 0, name: 'made/up', config: { out: 'runs/series/made--up-0123456789' } } as PlannedRun;
const manifest = sampleManifest();
const unknownRidge = sampleManifest({
  metric: { ...manifest.metric, matches: null },
  eigenvalues: { ...manifest.eigenvalues, covarianceParticipationRatio: null, ridgeBound: null, rank: null },
});
const ofAnother = sampleManifest({
  metric: { ...manifest.metric, matches: false },
  eigenvalues: { ...manifest.eigenvalues, ridgeBound: 56, rank: 8 },
});
const outcomes: Outcome[] = [
  { status: 'finished', run, manifest, finishedBefore: false },
  { status: 'finished', run, manifest: unknownRidge, finishedBefore: true },
  { status: 'failed', run, message: 'a: weights\nare not finite' },
  {
    status: 'failed',
    run: { index: 3, name: 'nowhere', problem: new InputError('not there') },
    message: 'not there',
  },
];

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(sql);
  connection.closeSync();
  return result.getRowObjects();
}

test('summary.parquet has one row a run, failed ones with their message, as DuckDB reads it', async (t) => {
  const directory = scratchDirectory(t);
  const file = writeBatchSummary(directory, outcomes);
  t.is(file, path.join(directory, 'summary.parquet'));
  const rows = await query(`SELECT * FROM '${file}'`);
  t.deepEqual(rows, outcomes.map(summaryRow) as unknown as Record<string, unknown>[]);
  t.like(rows[0], {
    model: 'made/up',
    status: 'finished',
    error: null,
    folder: 'made--up-0123456789',
    finished_before: false,
    rows: 1500,
    hidden: 64,
    metric_matches: true,
    ridge_bound: 0,
    covariance_rank: 64,
    lambda_minimum: 95.35,
    lambda_median: 2498.26,
    lambda_maximum: 94_217.94,
    condition_number: 988.13,
    lambda_participation_ratio: 33.25,
    covariance_participation_ratio: 20,
    log_determinant: 500,
    iso_score: 0.3,
    effective_rank_uncentred: null,
    stable_rank_centred: null,
    norm_mean: 1.25,
    causal_norm_mean: 1.25,
    // The run has no tables.
    distortion_mean: null,
    orphans: null,
    duplicate_rows: null,
    seconds: 1.75,
  });
  t.like(rows[1], {
    metric_matches: null,
    covariance_participation_ratio: null,
    ridge_bound: null,
    covariance_rank: null,
  });
  t.like(rows[2], { status: 'failed', error: 'a: weights\nare not finite', rows: null, seconds: null });
  t.like(rows[3], { model: 'nowhere', status: 'failed', folder: null, finished_before: null });
});

test('the columns have the types of their values, also where every run failed', async (t) => {
  const types = async (written: readonly Outcome[]) => {
    const file = writeBatchSummary(scratchDirectory(t), written);
    const columns = await query(`DESCRIBE SELECT * FROM '${file}'`);
    return Object.fromEntries(columns.map(({ column_name, column_type }) => [column_name, column_type]));
  };
  const all = await types(outcomes);
  t.like(all, { model: 'VARCHAR', finished_before: 'BOOLEAN', rows: 'INTEGER', lambda_minimum: 'DOUBLE' });
  t.deepEqual(await types(outcomes.slice(2)), all);
});

test('a later summary replaces the one before, and a file of somebody else is refused', (t) => {
  const directory = scratchDirectory(t);
  refuseForeignSummary(directory);
  writeBatchSummary(directory, outcomes);
  refuseForeignSummary(directory);
  const file = writeBatchSummary(directory, outcomes.slice(0, 1));
  for (const foreign of ['not Parquet', '']) {
    writeFileSync(file, foreign);
    const error = t.throws(() => refuseForeignSummary(directory), { instanceOf: InputError });
    t.regex(error.message, /summary\.parquet: exists, and no eigenshard batch wrote it/);
    t.is(readFileSync(file, 'utf8'), foreign);
  }
  t.true(existsSync(file));
});

test('the table has a line for every run, and says how many finished', (t) => {
  const lines = batchSummaryText(outcomes).split('\n');
  t.regex(lines[0]!, /model +state +V +d +metric +lambda min +lambda max +condition +seconds$/);
  t.regex(lines[1]!, /^1 {2}made\/up {2}finished {2}1,500 .*95\.35 .*94,217\.94 .*988\.13 .*1\.75$/);
  t.regex(lines[4]!, /^4 {2}nowhere +failed$/);
  for (const line of lines) t.true(line.length <= 100, line);
  t.is(lines.at(-1), '2 finished (1 of them before), 2 failed');
});

test('the table and the file say of each run whether its metric is of its model', (t) => {
  const finished = [manifest, ofAnother, unknownRidge].map(
    (one): Outcome => ({ status: 'finished', run, manifest: one, finishedBefore: false }),
  );
  t.like(summaryRow(finished[1]!), { metric_matches: false, ridge_bound: 56, covariance_rank: 8 });
  const lines = batchSummaryText(finished).split('\n');
  const [begin, end] = [lines[0]!.indexOf('metric'), lines[0]!.indexOf('lambda min')];
  t.deepEqual(
    lines.slice(1, 4).map((line) => line.slice(begin, end).trim()),
    ['matches', 'DIFFERS', ''],
  );
});
