import { InputError } from '../../errors.js';
import type { ParquetColumns } from '../../formats/parquet-columns.js';
import type { PackedArray } from '../packed-arrays.js';

/** Array of histograms.parquet, the counts [d, bins], whose rows are in the order of index and bin. */
export async function histogramArrays(
  histograms: ParquetColumns,
  { hidden, bins }: { hidden: number; bins: number },
): Promise<Record<string, PackedArray>> {
  if (histograms.rows !== hidden * bins) {
    throw new InputError(
      `histograms.parquet: holds ${histograms.rows} rows, not ${hidden} x ${bins}. Make the run again`,
    );
  }
  return { 'histogram.count': Int32Array.from(await histograms.numbers('count')) };
}
