import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ExecutionContext } from 'ava';
import { npy, safetensors, scratchDirectory } from './fixtures.js';
import { randomFloat32 } from './random.js';
import { runHere } from './runs.js';
import type { Row } from './tables.js';

/** A finished run whose variances differ by far, and vectors of its hidden size. */
export interface VectorRun {
  directory: string;
  /** Vectors, a .npy file [vectors, d]. */
  file: string;
  /** float32 [rows, d]. */
  gamma: Float32Array;
  /** float32 [vectors, d]. */
  vectors: Float32Array;
  rows: number;
  hidden: number;
}

/** Row of a vocabulary from which on ten are equal. */
export const EQUAL_ROWS = 120;
/** Row from which on the tokenizer has no tokens. */
const ORPHANS = 395;

/** Text of a token of the run; null of an orphan. The last one is of bytes. */
export function textOf(id: number): string | null {
  if (id >= ORPHANS) return null;
  return id === ORPHANS - 1 ? '<0xE5><0x9B><0xBD>' : ` word${id}`;
}

/** Row of zeros. */
export const ZERO_ROW = 77;

/**
 * Makes a run of 400 x 24 in partitions of 90 rows, of which some are equal and one is zero, and 37 vectors.
 *
 * @param options of the run
 */
export async function vectorRun(
  t: ExecutionContext,
  options: { format?: 'arrow' | 'parquet' } = {},
): Promise<VectorRun> {
  const [rows, hidden, count] = [400, 24, 37];
  const scratch = scratchDirectory(t);
  const model = path.join(scratch, 'model');
  mkdirSync(model);
  const gamma = randomFloat32(rows * hidden, 5);
  for (let k = 0; k < gamma.length; k++) gamma[k]! *= 0.8 ** (k % hidden);
  for (let i = EQUAL_ROWS + 1; i < rows; i += 30)
    gamma.copyWithin(i * hidden, EQUAL_ROWS * hidden, (EQUAL_ROWS + 1) * hidden);
  gamma.fill(0, ZERO_ROW * hidden, (ZERO_ROW + 1) * hidden);
  const tensor = { name: 'lm_head.weight', dtype: 'F32', shape: [rows, hidden] };
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([{ ...tensor, data: new Uint8Array(gamma.buffer) }]),
  );
  const vocab = Object.fromEntries(Array.from({ length: ORPHANS }, (_, id) => [textOf(id), id]));
  writeFileSync(
    path.join(model, 'tokenizer.json'),
    JSON.stringify({ model: { type: 'WordLevel', vocab }, decoder: null }),
  );
  writeFileSync(path.join(model, 'config.json'), JSON.stringify({ hidden_size: hidden, vocab_size: rows }));
  const out = path.join(scratch, 'run');
  await runHere({ model, out, partitionRows: 90, top: 5, report: false, ...options });
  const vectors = randomFloat32(count * hidden, 9);
  const file = path.join(scratch, 'vectors.npy');
  writeFileSync(file, npy('<f4', [count, hidden], new Uint8Array(vectors.buffer)));
  return { directory: out, file, gamma, vectors, rows, hidden };
}

/** The rows of a Parquet file, as DuckDB reads them. */
export async function readParquet(file: string): Promise<Row[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(`SELECT * FROM read_parquet('${file}')`);
  connection.closeSync();
  return result.getRowObjectsJS() as Row[];
}
