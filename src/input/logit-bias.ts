import { InputError } from '../errors.js';
import type { VectorSource } from './checkpoint.js';
import { recogniseTensor, stemOf } from './matrix/recognise-tensor.js';
import { type TensorPlaces, vectorOf } from './norm/find-norm.js';
import { readVector } from './read-vector.js';

/** The bias of the logits, where it lies and what identifies it. */
export interface RecordedBias extends VectorSource {
  /** SHA-256 (hex) of its stored bytes. */
  sha256: string;
}

/**
 * Reads where a bias lies so far as to record it; null where there is none, or where it cannot be added to logits, as where
 * it masks tokens by minus infinity.
 *
 * @param note is told why a bias is not read
 */
export async function recordBias(
  bias: VectorSource | null,
  note: (line: string) => void = () => {},
): Promise<RecordedBias | null> {
  if (bias === null) return null;
  const { sha256, problem } = await readVector(bias);
  if (problem === null) return { ...bias, sha256 };
  note(`the bias of the logits is not read: ${bias.tensor} ${problem}`);
  return null;
}

/**
 * Gives the bias of each token's logit: what the model adds to it, and what the bias of a norm does that is folded in.
 *
 * @param offsets gamma_i . b of the rows before, [V]; null where no norm with a bias is folded in
 * @param rows V
 * @returns [V], or null where there is neither
 * @throws InputError where the bias is another one by now
 */
export async function readLogitBias(
  bias: RecordedBias | null,
  offsets: Float64Array | null,
  rows: number,
): Promise<Float64Array | null> {
  if (bias === null) return offsets;
  const { values, sha256 } = await readVector(bias);
  if (sha256 !== bias.sha256) {
    throw new InputError(
      `${bias.file}: ${bias.tensor} is not what this run was made from: its SHA-256 differs. Put the former one there, or ` +
        'start again with --overwrite',
    );
  }
  // The stored rows may be more than those that take part.
  return values.slice(0, rows).map((value, i) => value + (offsets?.[i] ?? 0));
}

/** The bias of the logits beside a matrix. */
export interface FoundBias {
  bias: VectorSource | null;
  /** What a user should know. */
  notes: string[];
}

/**
 * Finds the bias that the model adds to its logits: that of the layer of the matrix, or, where an embedding is tied, that
 * of an unembedding whose matrix is not stored, as `lm_head.bias`.
 *
 * @param tensor name of the matrix
 * @param matrix its stored rows, and whether it is an embedding with which the model unembeds
 */
export async function findLogitBias(
  places: Pick<TensorPlaces, 'names' | 'weightsOf'>,
  tensor: string,
  { rows, isTied }: { rows: number; isTied: boolean },
): Promise<FoundBias> {
  const { names } = places;
  const own = `${stemOf({ name: tensor })}.bias`;
  const name = names.find((one) => one === own) ?? (isTied ? names.find(isHeadBias) : undefined);
  if (name === undefined || !tensor.endsWith('.weight')) return { bias: null, notes: [] };
  const bias = await vectorOf(places, name, rows);
  return typeof bias === 'string'
    ? { bias: null, notes: [`the bias of the logits is not read: ${bias}`] }
    : { bias, notes: [] };
}

function isHeadBias(name: string): boolean {
  const known = recogniseTensor(name);
  return known?.part === 'bias' && known.rule.kind === 'unembedding';
}
