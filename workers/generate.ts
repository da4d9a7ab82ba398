import { closeSync } from 'node:fs';
import type { Tasks } from '../src/executor/tasks.js';
import { openToWrite } from '../src/files/open-to-write.js';
import { writeFully } from '../src/files/partial-file.js';
import { syntheticRows } from '../src/input/synthetic.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { endIfInterrupted } from './interruption.js';
import { rowsReport } from './rows-report.js';

/** Writes rows of a synthetic checkpoint, bfloat16 row-major, at their offset in the file. */
export function generate({
  file,
  byteOffset,
  rows,
  recipe,
}: Tasks['generate']['input']): Tasks['generate']['result'] {
  const d = recipe.hidden;
  const fill = syntheticRows(recipe);
  const row = new Float32Array(d);
  const stored = new Uint16Array(Math.min(STRIP_ROWS, rows.count) * d);
  const descriptor = openToWrite(file);
  try {
    for (const strip of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      for (let i = 0; i < strip.count; i++) {
        fill(rows.first + strip.first + i, row);
        roundToBfloat16(row, stored, i * d);
      }
      const position = byteOffset + (rows.first + strip.first) * d * 2;
      writeFully(descriptor, new Uint8Array(stored.buffer, 0, strip.count * d * 2), position, file);
      rowsReport.advance(strip.count);
    }
  } finally {
    closeSync(descriptor);
  }
  return { bytes: rows.count * d * 2 };
}

/** Rounds to the nearest, ties to even; the values are finite and far from overflow. */
function roundToBfloat16(values: Float32Array, out: Uint16Array, offset: number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let j = 0; j < bits.length; j++) {
    const x = bits[j]!;
    out[offset + j] = (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
}
