import type { CausalNormsInput } from '../src/executor/tasks.js';
import type { Multiplication } from '../src/linalg/backend/backend.js';
import type { Matrix } from '../src/linalg/matrix.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { type RowRange, splitRows } from '../src/plan/row-ranges.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/** Strip of picked rows, [count, d] each, valid until the next one. */
export interface CentredStrip extends RowRange {
  /** The rows as they are used. */
  gamma: Float32Array;
  /** gamma - mu */
  centred: Float64Array;
  /** (gamma - mu) V */
  coordinates: Float64Array;
}

/** Reads picked rows strip by strip, takes the mean row off them, and computes their coordinates by eigenvectors V. */
export async function forEachCentredStrip(
  { rows, picked, mean }: Pick<CausalNormsInput, 'rows' | 'picked' | 'mean'>,
  { product, v }: { product: Multiplication; v: Matrix<Float64Array> },
  visit: (strip: CentredStrip) => Promise<void> | void,
): Promise<void> {
  const d = picked.source.columns;
  const most = Math.min(STRIP_ROWS, rows.count);
  const regions = memory.allot({
    ...stripSizes(picked.source, rows),
    centred: most * d * 8,
    coordinates: most * d * 8,
  });
  const reader = openPicked(picked, regions);
  try {
    for (const range of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      reader.read(range.first, range.count);
      const gamma = regions.gamma.float32.subarray(0, range.count * d);
      const centred = regions.centred.float64.subarray(0, gamma.length);
      for (let k = 0; k < gamma.length; k++) centred[k] = gamma[k]! - mean[k % d]!;
      const coordinates = regions.coordinates.float64.subarray(0, gamma.length);
      const shape = { rows: range.count, columns: d };
      await product.multiply({ values: centred, ...shape }, v, { values: coordinates, ...shape });
      await visit({ ...range, gamma, centred, coordinates });
      rowsReport.advance(range.count);
    }
  } finally {
    reader.close();
  }
}
