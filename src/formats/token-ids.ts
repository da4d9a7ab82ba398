import { InputError } from '../errors.js';

/** Token ids are signed 32-bit integers in every format, so that all engines join on them without a cast. */
const MAX_ROWS = 2 ** 31;

/**
 * The token ids of rows [firstRow, firstRow + rowCount): int32, consecutive.
 *
 * @throws InputError where the last id does not fit into an int32
 */
export function tokenIds(firstRow: number, rowCount: number): Int32Array<ArrayBuffer> {
  checkTokenIds(firstRow, rowCount);
  const ids = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) ids[row] = firstRow + row;
  return ids;
}

/** The check alone, for those who plan a partition. @throws InputError as `tokenIds` does */
export function checkTokenIds(firstRow: number, rowCount: number): void {
  if (firstRow + rowCount <= MAX_ROWS) return;
  throw new InputError(
    `partition of rows [${firstRow}, ${firstRow + rowCount}): token ids are 32-bit integers, ` +
      `so a vocabulary has at most ${MAX_ROWS} rows; is the tensor really an unembedding matrix?`,
  );
}
