import { dtypeBytes } from '../../formats/dtype.js';
import type { RowSource } from '../checkpoint.js';
import { openRows } from '../rows.js';

/** Up to this size matrices are compared as a whole: less than a tenth of a second. */
const WHOLE_BYTES = 2 ** 24;

/** Rows of larger matrices that are compared, spread over them, the first and the last among them. */
const SAMPLED_ROWS = 256;

/** The outcome of a comparison of two matrices. */
export interface Comparison {
  equal: boolean;
  /** Rows that were compared; all of them, or a sample. */
  compared: number;
}

/**
 * Compares the stored bytes of two matrices of one shape and dtype: all rows of small ones, a sample of large ones.
 *
 * @throws RangeError for matrices of different shapes or dtypes
 * @throws InputError where a file is shorter than its matrix
 */
export function compareRows(a: RowSource, b: RowSource): Comparison {
  if (a.rows !== b.rows || a.columns !== b.columns || a.dtype !== b.dtype) {
    throw new RangeError('compareRows: the matrices are of different shapes or dtypes');
  }
  const rowBytes = a.columns * dtypeBytes[a.dtype];
  const compared = a.rows * rowBytes <= WHOLE_BYTES ? a.rows : Math.min(a.rows, SAMPLED_ROWS);
  const readers = [a, b].map(openRows);
  try {
    for (let k = 0; k < compared; k++) {
      const row = compared === a.rows ? k : Math.round((k * (a.rows - 1)) / (compared - 1));
      const [one, other] = readers.map((reader) => {
        const bytes = Buffer.alloc(rowBytes);
        reader.read(row, 1, bytes);
        return bytes;
      });
      if (!one!.equals(other!)) return { equal: false, compared };
    }
    return { equal: true, compared };
  } finally {
    for (const reader of readers) reader.close();
  }
}
