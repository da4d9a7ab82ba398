import type { Tasks } from '../src/executor/tasks.js';
import type { OuterSums } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { SUMMED_ROWS, tilesOf } from '../src/linalg/product-shapes.js';
import {
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
  const start = columns.first * COVARIANCE_BLOCK;
  const width = Math.min(columns.end * COVARIANCE_BLOCK, d) - start;
  const regions = memory.allot({
    ...stripSizes(source, rows, SUMMED_ROWS),
    means: d * 8,
    centred: strip * (d - start) * 8,
    weighed: weights === undefined ? 0 : strip * width * 8,
  });
  const { gamma, means, centred, weighed } = regions;
  means.float64.set(mean);
  const blocks = covarianceBlocks(d, columns);
  const sums = new Float64Array(covarianceLength(d, columns));
  const product = await (await openBackend(backend)).outerProducts(1);
  try {
    await forEachStrip(source, rows, { ...regions, stripRows: SUMMED_ROWS }, async ({ first, count }) => {
      kernels.centreColumns(gamma.offset, count, d, start, means.offset, centred.offset);
      if (weights !== undefined) {
        const ofStrip = weights.subarray(first - rows.first, first - rows.first + count);
        weigh(centred.float64.subarray(0, width * count), ofStrip, weighed.float64);
      }
      const right = weights === undefined ? centred : weighed;
      const columnsOfStrip = { start, count, centred: centred.float64, weighed: right.float64 };
      await addStrip(product, blocks, columnsOfStrip, sums);
      rowsReport.advance(count);
    });
  } finally {
    await product.release();
  }
  return { sums };
}

/** Columns of rows times the weights of these. */
function weigh(columns: Float64Array, weights: Float64Array, out: Float64Array): void {
  const count = weights.length;
  for (let at = 0; at < columns.length; at += count)
    for (let i = 0; i < count; i++) out[at + i] = columns[at + i]! * weights[i]!;
}

/** Strip of `count` centred rows by columns, from the column `start` on. */
interface CentredStrip {
  start: number;
  count: number;
  centred: Float64Array;
  /** Those of the blocks, times the rows' weights; as they are where these are alike. */
  weighed: Float64Array;
}

/**
 * Adds the products of a strip's columns with each other, as far as they are in the blocks, to the sums. A tile of the left
 * operand is multiplied with one block after the other: it is the larger operand, and stays in the cache meanwhile.
 */
async function addStrip(
  product: OuterSums,
  blocks: readonly CovarianceBlock[],
  { start, count, centred, weighed }: CentredStrip,
  sums: Float64Array,
): Promise<void> {
  const columnsOf = (values: Float64Array, first: number, end: number) => ({
    values: values.subarray((first - start) * count, (end - start) * count),
    rows: end - first,
    columns: count,
  });
  for (const tile of tilesOf(blocks[0]!.height)) {
    const end = start + tile.first + tile.count;
    for (const { first, width, offset } of blocks) {
      const top = Math.max(start + tile.first, first);
      if (top >= end) break;
      const at = offset + (top - first) * width;
      const rows = end - top;
      const out = { values: sums.subarray(at, at + rows * width), rows, columns: width };
      await product.add(columnsOf(centred, top, end), columnsOf(weighed, first, first + width), out);
    }
  }
}
