import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { cosineError } from '../src/linalg/neighbour-scores.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { NearestLists } from '../src/tables/nearest-lists.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/**
 * Finds the picked rows with the largest centred causal cosine to each query, exactly.
 *
 * Cosines in float32 pass over whatever the bound of their error leaves out of the list as it is by then; all other rows are
 * judged by the product in float64, which sums in one order, so that equal rows tie.
 *
 * Memory: the queries, once more in float32, a list for each, a strip of rows, and its products with all queries.
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
  // Two rows at least: a matrix of one is another kind of product.
  const strip = Math.max(2, Math.min(STRIP_ROWS, rows.count));
  const regions = memory.allot({
    ...stripSizes(picked.source, rows),
    units: strip * d * 4,
    products: strip * count * 4,
  });
  const lists = new NearestLists(count, places);
  /** What the product of a row reaches that is on each list, as a share of its causal norm. */
  const least = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const error = cosineError(d);
  const reader = openPicked(picked, regions);
  const product = await (await openBackend(backend)).fixedProduct(
    { values: float32Columns(queries, d), rows: d, columns: count },
    1,
  );
  try {
    for (const range of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      reader.read(range.first, range.count);
      const gamma = regions.gamma.float32;
      const many = Math.max(2, range.count);
      const units = regions.units.float32.subarray(0, many * d);
      units.fill(0);
      for (let i = 0; i < range.count; i++) {
        const length = norms.centred[range.first + i]!;
        if (length === 0) continue;
        for (let at = i * d, j = 0; j < d; j++, at++) units[at] = (gamma[at]! - mean[j]!) / length;
      }
      const products = regions.products.float32.subarray(0, many * count);
      await product.multiply(
        { values: units, rows: many, columns: d },
        { values: products, rows: many, columns: count },
      );
      // Query by query, so that each list is near the processor while rows come and go on it.
      for (let q = 0; q < count; q++) {
        for (let i = 0; i < range.count; i++) {
          const row = rows.first + range.first + i;
          const causal = norms.causal[range.first + i]!;
          // The mean row has no direction from itself.
          if (causal === 0 || queryRows[q] === row) continue;
          const ratio = causal / norms.centred[range.first + i]!;
          if (products[i * count + q]! + error < least[q]! * ratio) continue;
          let exact = 0;
          for (let j = 0, at = i * d, of = q * d; j < d; j++, at++, of++)
            exact += queries[of]! * (gamma[at]! - mean[j]!);
          lists.offer(q, row, -exact / causal);
          least[q] = -(lists.lastValue(q) ?? Number.POSITIVE_INFINITY);
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

/** Rounds vectors [count, d] to float32, a column each: [d, count]. */
function float32Columns(vectors: Float64Array, d: number): Float32Array {
  const count = vectors.length / d;
  const columns = new Float32Array(vectors.length);
  for (let q = 0; q < count; q++) for (let j = 0; j < d; j++) columns[j * count + q] = vectors[q * d + j]!;
  return columns;
}
