import { double, int32, repetitive, sorted, type TableColumn } from '../formats/parquet-table.js';
import type { MergedTables } from './merged-tables.js';

/** Columns of histograms.parquet: a row an eigenvector and bin of z; the outer bins also hold what lies beyond them. */
export function histogramTable({ histogram, settings }: MergedTables): TableColumn[] {
  const { bins, lower, exponent } = settings.bins;
  const rows = histogram.length;
  const index = new Int32Array(rows);
  const bin = new Int32Array(rows);
  const lowerEdge = new Float64Array(rows);
  const upperEdge = new Float64Array(rows);
  const width = 2 ** exponent;
  for (let row = 0; row < rows; row++) {
    const b = row % bins;
    index[row] = (row - b) / bins;
    bin[row] = b;
    lowerEdge[row] = lower + b * width;
    upperEdge[row] = lower + (b + 1) * width;
  }
  return [
    repetitive(sorted('index', index)),
    repetitive(int32('bin', bin)),
    repetitive(double('lower', lowerEdge)),
    repetitive(double('upper', upperEdge)),
    int32('count', new Int32Array(histogram.buffer)),
  ];
}
