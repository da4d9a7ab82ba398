import type { MergedTables } from './merged-tables.js';
import { double, int32, type TableColumn } from './table-column.js';

/** histograms.parquet: a row an eigenvector and bin of z; the outer bins also hold what lies beyond them. */
export function histogramTable({ histogram, settings }: MergedTables): TableColumn[] {
  const { bins, lower, upper } = settings.bins;
  const edge = (bin: number) => lower + (bin * (upper - lower)) / bins;
  const perRow = Int32Array.from({ length: histogram.length }, (_, row) => row);
  const bin = perRow.map((row) => row % bins);
  return [
    int32(
      'index',
      perRow.map((row) => Math.floor(row / bins)),
    ),
    int32('bin', bin),
    double('lower', Float64Array.from(bin, edge)),
    double(
      'upper',
      Float64Array.from(bin, (b) => edge(b + 1)),
    ),
    int32('count', Int32Array.from(histogram)),
  ];
}
