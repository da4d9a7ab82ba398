import path from 'node:path';
import type { planArrow } from '../formats/arrow.js';
import { planParquet } from '../formats/parquet.js';
import { EIGENBASIS_NAME, planEigenbasis } from '../output/eigenbasis-file.js';
import { exportIdentity } from '../output/export-identity.js';
import { exportTargets, planExport } from '../output/exports.js';
import { fileMetadata } from '../output/file-metadata.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import { REPORT_NAME, TABLE_NAMES } from '../output/manifest.js';
import { METRIC_NAME, planMetric } from '../output/metric-file.js';
import { MARKER_NAME, MARKER_TEXT } from '../output/own-files.js';
import type { Partition, Plan } from '../plan/plan-run.js';
import { Z_BINS } from '../tables/z-bins.js';
import { createdBy } from '../version.js';
import type { Config } from './config.js';

/** A file that a run will write. */
export interface PlannedFile {
  /** Absolute. */
  path: string;
  bytes: number;
}

/** Has the length of every fingerprint, on which the lengths of files depend. */
const ANY_FINGERPRINT = '0'.repeat(64);
/** As long as a number can be: a relative ridge is known when the covariance is. */
const ANY_RIDGE = String(-Number.MIN_VALUE - Math.PI * 1e-300);
/** Has the length of every time. */
const ANY_TIME = new Date(0).toISOString();

/**
 * Every file that a run will write, before anything of it is computed: data with its exact size, tables and report,
 * which are compressed, with the most that they should take. Beside them stand the manifest and the records.
 *
 * @param name what the model is called in metadata; @param ridge rho; null where a given metric does not say it, or it is relative
 * @throws InputError where a partition cannot be written in its format
 */
export async function planRunFiles(
  config: Config & { out: string },
  { plan, name, ridge }: { plan: Plan; name: string; ridge: number | null },
): Promise<PlannedFile[]> {
  const directory = path.resolve(config.out);
  const metadata = fileMetadata(ANY_FINGERPRINT, LAYOUT_VERSION, name);
  const targets = exportTargets(config.exports, directory);
  const identity = exportIdentity(targets, {
    directory,
    name,
    rows: plan.rows,
    hidden: plan.hidden,
    givenMetric: config.metric ?? null,
    fingerprint: ANY_FINGERPRINT,
    started: ANY_TIME,
  });
  const own = (relativePath: string, bytes: number) => ({ path: path.join(directory, relativePath), bytes });
  const files = [
    own(MARKER_NAME, MARKER_TEXT.length),
    own(
      EIGENBASIS_NAME,
      planEigenbasis(plan.hidden, config.metric === undefined || ridge !== null, metadata).bytes,
    ),
  ];
  if (config.metric === undefined) {
    const withRidge = { ...metadata, ridge: ridge === null ? ANY_RIDGE : String(ridge) };
    const weighted = config.weights === 'uniform' ? 0 : plan.rows;
    const { secondMoment } = config;
    files.push(own(METRIC_NAME, planMetric(plan.hidden, { secondMoment, weighted }, withRidge).bytes));
  }
  const bytesByRows = new Map<number, { parquet: number; arrow: number }>();
  for (const partition of plan.partitions) {
    // All but the last are of one size.
    const { count } = partition.rows;
    const bytes = bytesByRows.get(count) ?? (await partitionBytes(partition, plan.hidden, metadata));
    bytesByRows.set(count, bytes);
    if (partition.parquet !== null) files.push(own(partition.parquet, bytes.parquet));
    if (partition.arrow !== null) files.push(own(partition.arrow, bytes.arrow));
  }
  for (const target of targets) {
    files.push({ path: target.path, bytes: planExport(target, identity).bytes });
  }
  for (const [file, bytes] of Object.entries(tableBounds(config, plan))) files.push(own(file, bytes));
  return files;
}

/** Bytes of a row of each table, uncompressed and with texts of usual length, and of what stands around the rows. */
const TABLE_ROW_BYTES = { tokens: 250, eigenvectors: 500, extremes: 60, histograms: 28 };
const TABLE_FRAME_BYTES = 32_768;

/** Of the report: its program and styles, and all that it may hold. */
const REPORT_FRAME_BYTES = 150_000;
const REPORT_BYTES = 12_000_000;

/** Names and most bytes of the tables of a run, and of its report. */
export function tableBounds(
  { tables, top, report }: Pick<Config, 'tables' | 'top' | 'report'>,
  { rows, hidden }: Pick<Plan, 'rows' | 'hidden'>,
): Record<string, number> {
  if (tables === 'none') return {};
  const measures = 3;
  const sides = 2;
  const counts = {
    tokens: rows,
    eigenvectors: hidden,
    extremes: hidden * measures * sides * Math.min(top, rows),
    histograms: hidden * Z_BINS,
  };
  const names = Object.keys(counts) as (keyof typeof counts)[];
  const bounds = names.map((name) => TABLE_FRAME_BYTES + counts[name] * TABLE_ROW_BYTES[name]);
  const all = bounds.reduce((sum, bytes) => sum + bytes, 0);
  return {
    ...Object.fromEntries(names.map((name, k) => [TABLE_NAMES[name], bounds[k]])),
    ...(report ? { [REPORT_NAME]: Math.min(REPORT_BYTES, REPORT_FRAME_BYTES + all) } : {}),
  };
}

/** Sizes of the files of one partition; 0 for a format that is not asked for. */
async function partitionBytes(
  { rows, parquet, arrow }: Partition,
  columns: number,
  metadata: Record<string, string>,
): Promise<{ parquet: number; arrow: number }> {
  const shape = { firstRow: rows.first, rowCount: rows.count, columns, metadata };
  return {
    parquet: parquet === null ? 0 : planParquet({ ...shape, createdBy }).bytes,
    arrow: arrow === null ? 0 : await arrowBytes(shape),
  };
}

/** Size of an Arrow file, whose writer is loaded only where it is needed, as in the workers. */
async function arrowBytes(shape: Parameters<typeof planArrow>[0]): Promise<number> {
  const { planArrow } = await import('../formats/arrow.js');
  return (await planArrow(shape)).bytes;
}
