import { InputError } from '../errors.js';

/**
 * Checks that a partition of this size can be encoded, so that a run need not fail on its first partition.
 *
 * @throws InputError where its values take 2 GiB or more: apache-arrow computes a buffer's padding in 32 bits
 */
export function checkArrowRows({
  firstRow,
  rowCount,
  columns,
}: {
  firstRow: number;
  rowCount: number;
  columns: number;
}): void {
  const bytes = rowCount * columns * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= MAX_BUFFER_BYTES) return;
  const most = Math.floor(MAX_BUFFER_BYTES / (columns * Float32Array.BYTES_PER_ELEMENT));
  throw new InputError(
    `Arrow partition of rows [${firstRow}, ${firstRow + rowCount}): ${rowCount} rows of ${columns} float32 take ` +
      `${bytes} bytes, a record batch holds at most ${MAX_BUFFER_BYTES}; lower --partition-rows to ${most} or less`,
  );
}

const MAX_BUFFER_BYTES = 2 ** 31 - 8;
