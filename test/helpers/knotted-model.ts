import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { safetensors, scratchDirectory } from './fixtures.js';
import { seededRandom } from './random.js';
import { runHere } from './runs.js';

/** d and V of the knotted model. */
export const HIDDEN = 23;
export const ROWS = 1100;
/** Equal rows, which are not next to each other. */
export const EQUAL = 300;

/** Whether a row is one of the equal ones. */
const isEqual = (row: number) => row % 3 === 0 && row < 3 * EQUAL;

/**
 * Writes a checkpoint in bfloat16 of 300 equal rows, some rows of zeros, rows that differ from another in one coordinate by one
 * step of bfloat16, and rows of one direction, each twice as long as the one before.
 *
 * @returns its path
 */
export function knottedModel(directory: string): string {
  const random = seededRandom(5);
  const bits = new Uint16Array(ROWS * HIDDEN);
  for (let row = 0; row < ROWS; row++) {
    const own = bits.subarray(row * HIDDEN, (row + 1) * HIDDEN);
    if (isEqual(row) && row > 0) own.set(bits.subarray(0, HIDDEN));
    else if (row >= 1000 && row < 1040) {
      own.set(bits.subarray(HIDDEN, 2 * HIDDEN));
      own[row % HIDDEN]!++;
    } else if (row > 1040 && row < 1046) {
      own.set(bits.subarray((row - 1) * HIDDEN, row * HIDDEN).map((value) => value + 0x80));
    } else if (row < 1090) {
      const values = Float32Array.from(own, () => random() * 2 ** Math.floor(3 * random()));
      own.set(Uint16Array.from(new Uint32Array(values.buffer), (value) => value >>> 16));
    }
  }
  const model = path.join(directory, 'model.safetensors');
  const tensor = { name: 'lm_head.weight', dtype: 'BF16', shape: [ROWS, HIDDEN] };
  writeFileSync(model, safetensors([{ ...tensor, data: new Uint8Array(bits.buffer) }]));
  return model;
}

/** Computes a run of the knotted model without tables, whose partitions straddle the tiles of products. @returns its directory */
export async function knottedRun(model: string, format: 'parquet' | 'arrow'): Promise<string> {
  const out = path.join(path.dirname(model), `run-${format}`);
  await runHere({ model, out, partitionRows: 700, tables: 'none', format });
  return out;
}

/** Copies a run, so that a test may change it. */
export function copyOf(t: ExecutionContext, run: string): string {
  const copy = path.join(scratchDirectory(t), 'run');
  cpSync(run, copy, { recursive: true });
  return copy;
}
