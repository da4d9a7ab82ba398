import type { Tasks } from '../src/executor/tasks.js';
import type { Accumulation } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { SUMMED_ROWS, tilesOf } from '../src/linalg/product-shapes.js';
import {
  type BlockColumns,
  COVARIANCE_BLOCK,
  type CovarianceBlock,
  covarianceBlocks,
  covarianceLength,
} from '../src/plan/covariance-blocks.js';
import { kernels, memory } from './context.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * Sums (gamma_i - mu)(gamma_i - mu)^T over rows, each times its weight where they have weights, in some block columns of the
 * lower triangle, in float64 throughout: rows are centred before they are multiplied, so nothing cancels.
 */
export async function covariance({
  source,
  rows,
  columns,
  mean,
  weights,
  backend,
}: Tasks['covariance']['input']): Promise<Tasks['covariance']['result']> {
  const d = source.columns;
  const strip = Math.min(SUMMED_ROWS, rows.count);
  const regions = memory.allot({
    ...stripSizes(source, rows, SUMMED_ROWS),
    means: d * 8,
    panels: strip * d * 8,
    transposes: strip * d * 8,
  });
  const { gamma, means, panels, transposes } = regions;
  means.float64.set(mean);
  const blocks = covarianceBlocks(d, columns);
  const sums = new Float64Array(covarianceLength(d, columns));
  const product = await (await openBackend(backend)).accumulatingProduct(1);
  try {
    await forEachStrip(source, rows, { ...regions, stripRows: SUMMED_ROWS }, async ({ first, count }) => {
      kernels.centreRows(
        gamma.offset,
        count,
        d,
        columns.first * COVARIANCE_BLOCK,
        means.offset,
        COVARIANCE_BLOCK,
        panels.offset,
        transposes.offset,
      );
      if (weights !== undefined) {
        const ofStrip = weights.subarray(first - rows.first, first - rows.first + count);
        weighPanels(panels.float64, ofStrip, { columns, d });
      }
      const strip = { count, panels: panels.float64, transposes: transposes.float64 };
      await addStrip(product, blocks, strip, sums);
      rowsReport.advance(count);
    });
  } finally {
    await product.release();
  }
  return { sums };
}

/** Multiplies the rows of a strip's panels by their weights: their transposes stay, so that a product has each once. */
function weighPanels(
  panels: Float64Array,
  weights: Float64Array,
  { columns, d }: { columns: BlockColumns; d: number },
): void {
  const count = weights.length;
  const end = Math.min(columns.end * COVARIANCE_BLOCK, d);
  for (let column = columns.first * COVARIANCE_BLOCK; column < end; column += COVARIANCE_BLOCK) {
    const width = Math.min(COVARIANCE_BLOCK, d - column);
    for (let i = 0, at = count * column; i < count; i++) {
      const weight = weights[i]!;
      for (const next = at + width; at < next; at++) panels[at]! *= weight;
    }
  }
}

/** Strip of centred rows, as `centreRows` leaves it: panels of columns, and their transposes. */
interface CentredStrip {
  count: number;
  panels: Float64Array;
  transposes: Float64Array;
}

/**
 * Adds the products of a strip's columns with each other, as far as they are in the blocks, to the sums. A tile of the left
 * operand is multiplied with one block after the other: it is the larger operand, and stays in the cache meanwhile.
 */
async function addStrip(
  product: Accumulation,
  blocks: readonly CovarianceBlock[],
  { count, panels, transposes }: CentredStrip,
  sums: Float64Array,
): Promise<void> {
  const [{ first: top, height }] = blocks as [CovarianceBlock];
  for (const tile of tilesOf(height)) {
    const [start, end] = [top + tile.first, top + tile.first + tile.count];
    for (const { first, width, offset } of blocks) {
      const row = Math.max(start, first);
      if (row >= end) break;
      const rows = end - row;
      const at = offset + (row - first) * width;
      await product.accumulate(
        { values: transposes.subarray(count * row, count * end), rows, columns: count },
        { values: panels.subarray(count * first, count * (first + width)), rows: count, columns: width },
        { values: sums.subarray(at, at + rows * width), rows, columns: width },
      );
    }
  }
}
