import path from 'node:path';
import { InputError } from '../errors.js';
import { openParquetColumns, type ParquetColumns } from '../input/parquet-columns.js';
import type { ReportHead } from './contents.js';
import { packArrays } from './packed-arrays.js';
import { eigenvectorArrays } from './tables/eigenvectors.js';
import { extremeArrays } from './tables/extremes.js';
import { histogramArrays } from './tables/histograms.js';
import { tokenArrays } from './tables/tokens.js';

/** All that a report shows of a run's tables. */
export interface ReportContents {
  head: ReportHead;
  /** The arrays that `head.entries` describes. */
  bytes: Uint8Array;
}

/**
 * Reads what the report shows of the four tables of a run.
 * @param model name, V rows and hidden size d, as the manifest has them
 * @throws InputError where a table is missing, damaged, or of another shape
 */
export async function readContents(
  directory: string,
  { name, rows, hidden }: { name: string; rows: number; hidden: number },
): Promise<ReportContents> {
  const tokens = await tokenArrays(await openTable(directory, 'tokens', rows));
  const eigenvectors = await eigenvectorArrays(await openTable(directory, 'eigenvectors', hidden));
  const extremes = await extremeArrays(await openTable(directory, 'extremes'), { rows, hidden });
  const histograms = await histogramArrays(await openTable(directory, 'histograms'), hidden);
  const { entries, bytes } = packArrays({
    ...eigenvectors.arrays,
    ...extremes.arrays,
    ...histograms.arrays,
    ...tokens.arrays,
  });
  const head = {
    model: name,
    rows,
    hidden,
    ...tokens.head,
    ...extremes.head,
    ...histograms.head,
    eigenvectorColumns: eigenvectors.columns,
    entries,
  };
  return { head, bytes };
}

async function openTable(directory: string, table: string, rows?: number): Promise<ParquetColumns> {
  const file = path.join(directory, `${table}.parquet`);
  const columns = await openParquetColumns(file, `the table ${table}`);
  if (rows !== undefined && columns.rows !== rows) {
    throw new InputError(`${file}: holds ${columns.rows} rows, not ${rows}. Make the run again`);
  }
  return columns;
}
