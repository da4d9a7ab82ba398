import type { ParquetColumns } from '../../formats/parquet-columns.js';
import type { PackedArray } from '../packed-arrays.js';

/** Names of columns that hold whole numbers: ids, ranks and counts. */
const whole = /^(index|rank_by_variance|cluster|.*_token_id|.*_aligned_\d+)$/;

/**
 * Arrays of eigenvectors.parquet, every column of it, d rows in the order of their index: int32, or float32 with NaN
 * for null.
 */
export async function eigenvectorArrays(
  eigenvectors: ParquetColumns,
): Promise<{ arrays: Record<string, PackedArray>; columns: readonly string[] }> {
  const columns = eigenvectors.names;
  const arrays: Record<string, PackedArray> = {};
  for (const column of columns) {
    const values = await eigenvectors.numbers(column);
    arrays[`eigenvector.${column}`] = whole.test(column)
      ? Int32Array.from(values)
      : Float32Array.from(values);
  }
  return { arrays, columns };
}
