import { createHash } from 'node:crypto';
import type { Tasks } from '../src/executor/tasks.js';
import { dtypeBytes } from '../src/formats/dtype.js';
import type { RowSource } from '../src/input/checkpoint.js';
import { openRows } from '../src/input/rows.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { endIfInterrupted } from './interruption.js';
import { rowsReport } from './rows-report.js';

/** Bits of the fraction, which are all but the sign and the exponent. */
const fractionBits: Readonly<Record<RowSource['dtype'], number>> = { bfloat16: 7, float16: 10, float32: 23 };

/** Hashes, of every stored row, the sign and the exponent of each coordinate. */
export function patterns({ source, rows }: Tasks['patterns']['input']): Tasks['patterns']['result'] {
  const { columns: d, dtype } = source;
  const found = new BigUint64Array(2 * rows.count);
  const strip = Math.min(STRIP_ROWS, rows.count);
  const stored = new Uint8Array(strip * d * dtypeBytes[dtype]);
  const words = dtype === 'float32' ? new Uint32Array(stored.buffer) : new Uint16Array(stored.buffer);
  const signs = new Uint16Array(d);
  const bytes = new Uint8Array(signs.buffer);
  const reader = openRows(source);
  try {
    for (const { first, count } of splitRows(rows.count, strip)) {
      endIfInterrupted();
      reader.read(rows.first + first, count, stored.subarray(0, count * d * dtypeBytes[dtype]));
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < d; j++) signs[j] = words[i * d + j]! >>> fractionBits[dtype];
        // By a hash that nobody can choose rows for.
        const digest = createHash('sha256').update(bytes).digest();
        found[2 * (first + i)] = digest.readBigUInt64LE(0);
        found[2 * (first + i) + 1] = digest.readBigUInt64LE(8);
      }
      rowsReport.advance(count);
    }
  } finally {
    reader.close();
  }
  return { patterns: found };
}
