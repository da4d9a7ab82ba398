import { InputError } from '../../errors.js';
import type { ParquetColumns } from '../../input/parquet-columns.js';
import type { ReportHead } from '../contents.js';
import type { PackedArray } from '../packed-arrays.js';

/** The counts of histograms.parquet, rows in the order of index and bin, and the edges that all share. */
export async function histogramArrays(
  histograms: ParquetColumns,
  hidden: number,
): Promise<{ arrays: Record<string, PackedArray>; head: Pick<ReportHead, 'histogram'> }> {
  const bins = histograms.rows / hidden;
  if (!Number.isInteger(bins) || bins < 3) {
    throw new InputError(
      `histograms.parquet: ${histograms.rows} rows are no bins of ${hidden} eigenvectors. Make the run again`,
    );
  }
  // The outer bins may be open: their inner neighbours say how wide one is.
  const upperEdges = await histograms.numbers('upper');
  const width = upperEdges[1]! - upperEdges[0]!;
  const lower = upperEdges[0]! - width;
  const counts = Int32Array.from(await histograms.numbers('count'));
  return {
    arrays: { 'histogram.count': counts },
    head: { histogram: { bins, lower, upper: lower + bins * width } },
  };
}
