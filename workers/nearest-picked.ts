import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { NearestLists } from '../src/tables/nearest-lists.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/**
 * Finds the picked rows with the largest centred causal cosine to each query. Products are float32, in one order for equal
 * rows, so that these tie.
 */
export async function nearestPicked({
  rows,
  picked,
  mean,
  norms,
  queries,
  queryRows,
  places,
  backend,
}: Tasks['nearestPicked']['input']): Promise<Tasks['nearestPicked']['result']> {
  const d = picked.source.columns;
  const count = queryRows.length;
  // Two rows at least: a single one is multiplied in another order.
  const strip = Math.max(2, Math.min(STRIP_ROWS, rows.count));
  const regions = memory.allot({
    ...stripSizes(picked.source, rows),
    centred: strip * d * 4,
    products: strip * count * 4,
  });
  const lists = new NearestLists(count, places);
  /** What a row must come before to be on each list. */
  const last = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const reader = openPicked(picked, regions);
  const product = await (await openBackend(backend)).fixedProduct(
    { values: queries, rows: d, columns: count },
    1,
  );
  try {
    for (const range of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      reader.read(range.first, range.count);
      const many = Math.max(2, range.count);
      const values = regions.centred.float32.subarray(0, many * d);
      values.fill(0);
      for (let k = 0; k < range.count * d; k++) values[k] = regions.gamma.float32[k]! - mean[k % d]!;
      const products = regions.products.float32.subarray(0, many * count);
      await product.multiply(
        { values, rows: many, columns: d },
        { values: products, rows: many, columns: count },
      );
      for (let i = 0; i < range.count; i++) {
        const row = rows.first + range.first + i;
        const norm = norms[range.first + i]!;
        // The mean row has no direction from itself.
        if (norm === 0) continue;
        for (let q = 0; q < count; q++) {
          const value = -products[i * count + q]! / norm;
          // Rows come by rising number: an equal one is behind.
          if (!(value < last[q]!) || queryRows[q] === row) continue;
          lists.offer(q, row, value);
          last[q] = lists.lastValue(q) ?? Number.POSITIVE_INFINITY;
        }
      }
      rowsReport.advance(range.count);
    }
  } finally {
    await product.release();
    reader.close();
  }
  return { lists: lists.lists };
}
