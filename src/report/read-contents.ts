import { InputError } from '../errors.js';
import type { RunResults } from '../output/manifest.js';
import { openTable } from '../output/open-table.js';
import type { ReportHead } from './contents.js';
import { packArrays } from './packed-arrays.js';
import { eigenvectorArrays } from './tables/eigenvectors.js';
import { extremeArrays } from './tables/extremes.js';
import { histogramArrays } from './tables/histograms.js';
import { tokenArrays } from './tables/tokens.js';

/** Contents of a report: all that it shows of a run's tables. */
export interface ReportContents {
  head: ReportHead;
  /** Arrays that `head.entries` describes, packed. */
  bytes: Uint8Array;
}

/**
 * Reads what the report shows of the four tables of a run.
 * @throws InputError where the run has no tables, or one is missing, damaged, or of another shape
 */
export async function readContents(
  directory: string,
  { model: { name, rows, hidden }, tables }: Pick<RunResults, 'model' | 'tables'>,
): Promise<ReportContents> {
  if (tables === null) {
    throw new InputError(`${directory}: has no tables to show (--tables none). Make the run again with them`);
  }
  const tokens = await tokenArrays(await openTable(directory, 'tokens', rows));
  const eigenvectors = await eigenvectorArrays(await openTable(directory, 'eigenvectors', hidden));
  const extremes = await extremeArrays(await openTable(directory, 'extremes'), { rows, hidden });
  const histograms = await histogramArrays(await openTable(directory, 'histograms'), {
    hidden,
    bins: tables.histogram.bins,
  });
  const { entries, bytes } = packArrays({
    ...eigenvectors.arrays,
    ...extremes.arrays,
    ...histograms,
    ...tokens.arrays,
  });
  const head = {
    model: name,
    rows,
    hidden,
    ...tokens.head,
    ...extremes.head,
    histogram: tables.histogram,
    quantileError: tables.quantileError,
    eigenvectorColumns: eigenvectors.columns,
    entries,
  };
  return { head, bytes };
}
