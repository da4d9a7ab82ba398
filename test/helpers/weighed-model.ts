import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { type FixtureTensor, float32Bytes, npy, safetensors, scratchDirectory } from './fixtures.js';
import { seededRandom } from './random.js';

/** A checkpoint whose rows can be weighed in every way: equal rows, orphans, a tokenizer, a norm and biases. */
export interface WeighedModel {
  directory: string;
  /** [rows, hidden] */
  gamma: Float32Array;
  rows: number;
  hidden: number;
  /** Bias of the logits, [rows]; null where it has none. */
  bias: Float32Array | null;
  /** w of the norm, [hidden]. */
  norm: Float32Array;
  /** b of the norm, [hidden]; null where it has none. */
  normBias: Float32Array | null;
}

/** Rows that are equal to row 5. */
export const EQUAL_TO_5 = [17, 23, 40];
/** Tokens at the end that the tokenizer does not have. */
export const ORPHANS = 12;

/** Text of a token. Tokens 2 and 3 decode to the same one. */
export const textOf = (id: number) => (id === 3 ? 'w2' : `w${id}`);

/** Writes a checkpoint of these rows. @param holds biases that it stores, and its architecture */
export function weighedModel(
  t: ExecutionContext,
  { rows = 240, hidden = 10, gamma: given }: { rows?: number; hidden?: number; gamma?: Float32Array } = {},
  { bias = false, modelType = 'llama' }: { bias?: boolean; modelType?: string } = {},
): WeighedModel {
  const directory = scratchDirectory(t);
  const random = seededRandom(3);
  const gamma =
    given ?? Float32Array.from({ length: rows * hidden }, (_, k) => (0.3 + random()) * 0.9 ** (k % hidden));
  if (given === undefined)
    for (const row of EQUAL_TO_5) gamma.copyWithin(row * hidden, 5 * hidden, 6 * hidden);
  const numbers = (length: number, centre: number) =>
    Float32Array.from({ length }, () => centre + 0.6 * random());
  const norm = numbers(hidden, 1.2);
  const [normBias, headBias] = [numbers(hidden, 0.1), numbers(rows, 0)];
  const isLayer = modelType === 'gpt2';
  const tensor = (name: string, values: Float32Array, shape: number[]): FixtureTensor => ({
    name,
    dtype: 'F32',
    shape,
    data: float32Bytes([...values]),
  });
  const normName = isLayer ? 'transformer.ln_f' : 'model.norm';
  writeFileSync(
    path.join(directory, 'model.safetensors'),
    safetensors([
      tensor('lm_head.weight', gamma, [rows, hidden]),
      tensor(`${normName}.weight`, norm, [hidden]),
      ...(isLayer ? [tensor(`${normName}.bias`, normBias, [hidden])] : []),
      ...(bias ? [tensor('lm_head.bias', headBias, [rows])] : []),
    ]),
  );
  writeFileSync(
    path.join(directory, 'config.json'),
    JSON.stringify({ model_type: modelType, hidden_size: hidden, vocab_size: rows }),
  );
  // Token 3 is an added one with the text of token 2: a vocabulary has each text once.
  const ids = Array.from({ length: rows - ORPHANS }, (_, id) => id);
  const vocab = Object.fromEntries(ids.filter((id) => id !== 3).map((id) => [textOf(id), id]));
  writeFileSync(
    path.join(directory, 'tokenizer.json'),
    JSON.stringify({
      added_tokens: [{ id: 3, content: textOf(3), special: false }],
      model: { type: 'WordLevel', vocab },
      decoder: null,
    }),
  );
  return {
    directory,
    gamma,
    rows,
    hidden,
    bias: bias ? headBias : null,
    norm,
    normBias: isLayer ? normBias : null,
  };
}

/** Weights in proportion to numbers, in float64. */
export function shares(values: readonly number[] | Float64Array): Float64Array {
  const sum = Array.from(values).reduce((total, value) => total + value, 0);
  return Float64Array.from(values, (value) => value / sum);
}

/** Mean row and covariance of rows [n, d] under weights, by their definitions, in float64. */
export function weightedByDefinition(
  rows: Float32Array | Float64Array,
  weights: Float64Array,
  d: number,
): { mean: Float64Array; covariance: Float64Array } {
  const mean = new Float64Array(d);
  for (let k = 0; k < rows.length; k++) mean[k % d]! += weights[Math.floor(k / d)]! * rows[k]!;
  const covariance = new Float64Array(d * d);
  for (let i = 0; i < weights.length; i++) {
    for (let a = 0; a < d; a++) {
      const x = weights[i]! * (rows[i * d + a]! - mean[a]!);
      for (let b = 0; b < d; b++) covariance[a * d + b]! += x * (rows[i * d + b]! - mean[b]!);
    }
  }
  return { mean, covariance };
}

/** What `metric.safetensors` of a run holds; E stands for C where the run is uncentred. */
export async function readMetricFile(
  directory: string,
  { rows, hidden: d }: { rows: number; hidden: number },
): Promise<{ M: Float64Array; moment: Float64Array; mean: Float64Array; weights: Float64Array | null }> {
  return withStoredTensors(path.join(directory, 'metric.safetensors'), async (tensors) => ({
    M: await tensors.float64('M', [d, d]),
    moment: await tensors.float64(tensors.has('E') ? 'E' : 'C', [d, d]),
    mean: await tensors.float64('mean', [d]),
    weights: tensors.has('weights') ? await tensors.float64('weights', [rows]) : null,
  }));
}

/** Largest difference of two arrays, relative to the largest number in them. */
export function relativeDifference(a: Float64Array, b: Float64Array): number {
  const size = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((worst, value, k) => Math.max(worst, Math.abs(value - b[k]!)), 0) / size;
}

/** Writes a hidden state as a .npy file. */
export function stateFile(t: ExecutionContext, values: Float64Array): string {
  const file = path.join(scratchDirectory(t), 'state.npy');
  writeFileSync(file, npy('<f8', [values.length], new Uint8Array(values.buffer)));
  return file;
}
