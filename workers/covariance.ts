import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { COVARIANCE_BLOCK, covarianceBlocks } from '../src/linalg/covariance-blocks.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { kernels, memory } from './context.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * sum_i (gamma_i - mu)(gamma_i - mu)^T over rows, in float64 throughout: rows are centred before they are
 * multiplied, so nothing cancels. Only the blocks of the lower triangle are computed.
 */
export async function covariance({
  source,
  rows,
  mean,
  backend,
}: Tasks['covariance']['input']): Promise<Tasks['covariance']['result']> {
  const d = source.columns;
  const strip = Math.min(STRIP_ROWS, rows.count);
  const regions = memory.allot({
    ...stripSizes(source, rows),
    mean: d * 8,
    panels: strip * d * 8,
    transposes: strip * d * 8,
  });
  const { gamma, panels, transposes } = regions;
  regions.mean.float64.set(mean);
  const { blocks, length } = covarianceBlocks(d);
  const sums = new Float64Array(length);
  const product = await (await openBackend(backend)).accumulatingProduct(1);

  try {
    await forEachStrip(source, rows, regions, async ({ count }) => {
      kernels.centreRows(
        gamma.offset,
        count,
        d,
        regions.mean.offset,
        COVARIANCE_BLOCK,
        panels.offset,
        transposes.offset,
      );
      const panel = (values: Float64Array, first: number, width: number) =>
        values.subarray(count * first, count * (first + width));
      for (const { row, column, height, width, offset } of blocks) {
        await product.accumulate(
          { values: panel(transposes.float64, row, height), rows: height, columns: count },
          { values: panel(panels.float64, column, width), rows: count, columns: width },
          { values: sums.subarray(offset, offset + height * width), rows: height, columns: width },
        );
      }
    });
  } finally {
    await product.release();
  }
  return { blocks: sums };
}
