import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Caller } from '../../src/run/caller.js';
import { type CompareRunsOptions, compareRuns } from '../../src/run/compare-runs.js';
import { float64Bytes, npy, safetensors } from './fixtures.js';
import { runHere } from './runs.js';
import type { Row } from './tables.js';

/** A checkpoint that is compared with others. */
export interface ComparedModel {
  /** Rows [rows, hidden] that float32, or bfloat16, can hold. */
  gamma: Float32Array;
  rows: number;
  hidden: number;
  dtype?: 'F32' | 'BF16';
  /** Texts of the tokens; none where there is no tokenizer. */
  texts?: readonly string[];
  /** Whether the metric is given, as the identity. */
  hasMetric?: boolean;
}

/**
 * Writes a checkpoint into a folder, and makes a run of it without tables.
 *
 * @returns directory of the run
 */
export async function comparedRun(
  folder: string,
  name: string,
  { gamma, rows, hidden, dtype = 'F32', texts, hasMetric = false }: ComparedModel,
): Promise<string> {
  const model = path.join(folder, `${name}-model`);
  mkdirSync(model);
  const data =
    dtype === 'F32' ? new Uint8Array(gamma.slice().buffer) : new Uint8Array(bfloat16Bits(gamma).buffer);
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([{ name: 'lm_head.weight', dtype, shape: [rows, hidden], data }]),
  );
  writeFileSync(path.join(model, 'config.json'), JSON.stringify({ hidden_size: hidden, vocab_size: rows }));
  if (texts !== undefined)
    writeFileSync(
      path.join(model, 'tokenizer.json'),
      JSON.stringify({
        model: { type: 'WordLevel', vocab: Object.fromEntries(texts.map((text, id) => [text, id])) },
        decoder: null,
      }),
    );
  const out = path.join(folder, name);
  // Of rows that are all one no metric can be computed.
  const metric = path.join(model, 'metric.npy');
  if (hasMetric) {
    const identity = Array.from({ length: hidden * hidden }, (_, k) => (k % (hidden + 1) === 0 ? 1 : 0));
    writeFileSync(metric, npy('<f8', [hidden, hidden], float64Bytes(identity)));
  }
  await runHere({ model, out, tables: 'none', ...(hasMetric ? { metric } : {}) });
  return out;
}

/** Values cut to bfloat16, as float32. */
export function asBfloat16(values: ArrayLike<number>): Float32Array {
  const cut = Float32Array.from(values);
  const bits = new Uint32Array(cut.buffer);
  for (let k = 0; k < bits.length; k++) bits[k]! &= 0xffff0000;
  return cut;
}

/** Stored bits of values that bfloat16 can hold. */
export function bfloat16Bits(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(bits, (word) => word >>> 16);
}

/** Compares two runs on one thread. */
export function compareHere(
  a: string,
  b: string,
  out: string,
  options: Partial<CompareRunsOptions & Caller> = {},
) {
  return compareRuns(a, b, { workers: 1, out, ...options });
}

/** Rows of a table of a comparison, as DuckDB reads them. */
export async function readRows(directory: string, name: string): Promise<Row[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(
    `SELECT * FROM read_parquet('${path.join(directory, name)}')`,
  );
  connection.closeSync();
  return result.getRowObjectsJS() as Row[];
}
