import { writeFileSync } from 'node:fs';
import type { RowSource } from '../../src/input/checkpoint.js';

/** Writes rows, row-major, as a file of one bare array, and says where they lie. */
export function storedRows(file: string, values: Float32Array, rows: number): RowSource {
  writeFileSync(file, values);
  return { file, byteOffset: 0, rows, columns: values.length / rows, dtype: 'float32', tensor: null };
}
