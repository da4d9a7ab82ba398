import { dtypeBytes } from '../formats/dtype.js';
import type { RowSource } from '../input/checkpoint.js';
import { openRows } from '../input/rows.js';
import { duplicateGroups } from '../tables/duplicates.js';

/** Groups the rows of a checkpoint that are bit-identical, see `duplicateGroups`. @param rowHashes of the stored rows, [V] */
export function readDuplicates(source: RowSource, rowHashes: BigUint64Array): Int32Array {
  const rows = openRows(source);
  try {
    return duplicateGroups(rowHashes, (row) => {
      const bytes = new Uint8Array(source.columns * dtypeBytes[source.dtype]);
      rows.read(row, 1, bytes);
      return bytes;
    });
  } finally {
    rows.close();
  }
}
