import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { syntheticRows } from '../../src/input/synthetic.js';
import { type FixtureTensor, float32Bytes, safetensors, scratchDirectory } from './fixtures.js';
import { seededRandom } from './random.js';

/** A checkpoint with a head, a final norm and biases, and the numbers that it stores. */
export interface NormedModel {
  directory: string;
  /** [rows, hidden] */
  gamma: Float32Array;
  /** w, [hidden] */
  weight: Float32Array;
  /** b of the norm, [hidden] */
  normBias: Float32Array;
  /** b of the head, [rows] */
  headBias: Float32Array;
}

/** Names under which a `normedModel` stores its tensors. */
export const normedNames = { norm: 'transformer.ln_f', head: 'lm_head' };

/** Makes a checkpoint of an architecture. @param holds which of its biases are stored */
export function normedModel(
  t: ExecutionContext,
  config: object,
  { rows, hidden }: { rows: number; hidden: number },
  holds: { normBias?: boolean; headBias?: boolean } = {},
): NormedModel {
  const directory = path.join(scratchDirectory(t));
  const random = seededRandom(11);
  const numbers = (length: number, centre: number) =>
    Float32Array.from({ length }, () => centre + 0.5 * random());
  const fill = syntheticRows({ rows, hidden, seed: 5 });
  const gamma = new Float32Array(rows * hidden);
  for (let i = 0; i < rows; i++) fill(i, gamma.subarray(i * hidden, (i + 1) * hidden));
  const model = {
    directory,
    gamma,
    weight: numbers(hidden, 1.25),
    normBias: numbers(hidden, 0),
    headBias: numbers(rows, 0.1),
  };
  const tensor = (name: string, values: Float32Array, shape: number[]): FixtureTensor => ({
    name,
    dtype: 'F32',
    shape,
    data: float32Bytes([...values]),
  });
  const { norm, head } = normedNames;
  const { normBias = false, headBias = false } = holds;
  writeFileSync(
    path.join(directory, 'model.safetensors'),
    safetensors([
      tensor(`${head}.weight`, gamma, [rows, hidden]),
      tensor(`${norm}.weight`, model.weight, [hidden]),
      ...(normBias ? [tensor(`${norm}.bias`, model.normBias, [hidden])] : []),
      ...(headBias ? [tensor(`${head}.bias`, model.headBias, [rows])] : []),
    ]),
  );
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
  return model;
}

/** Folds a norm into rows by its definition, in float64: D, and for a LayerNorm the mean of every row taken off. */
export function foldedByDefinition(
  gamma: Float32Array | Float64Array,
  factors: Float32Array | Float64Array,
  isCentred: boolean,
): Float64Array {
  const d = factors.length;
  const folded = Float64Array.from(gamma, (value, k) => value * factors[k % d]!);
  if (!isCentred) return folded;
  for (let first = 0; first < folded.length; first += d) {
    const row = folded.subarray(first, first + d);
    const mean = row.reduce((sum, value) => sum + value, 0) / d;
    for (let j = 0; j < d; j++) row[j]! -= mean;
  }
  return folded;
}

/** Mean row and covariance of rows [n, d] by their definitions, in float64. */
export function covarianceByDefinition(
  rows: Float64Array | Float32Array,
  d: number,
): { mean: Float64Array; covariance: Float64Array } {
  const n = rows.length / d;
  const mean = new Float64Array(d);
  for (let k = 0; k < rows.length; k++) mean[k % d]! += rows[k]! / n;
  const covariance = new Float64Array(d * d);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < d; a++) {
      const x = rows[i * d + a]! - mean[a]!;
      for (let b = 0; b < d; b++) covariance[a * d + b]! += (x * (rows[i * d + b]! - mean[b]!)) / n;
    }
  }
  return { mean, covariance };
}
