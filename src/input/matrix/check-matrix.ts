import { InputError } from '../../errors.js';
import type { Dtype } from '../../formats/dtype.js';
import { shapeText } from '../../formats/shape.js';
import { counted } from '../../text/figures.js';
import type { RowSource } from '../checkpoint.js';
import type { Model } from '../model-config.js';
import type { WeightEntry, Weights } from '../weights/weights.js';

/**
 * Finds the rows of a tensor in its file.
 *
 * @throws InputError where it is no matrix of a supported dtype, or does not lie row after row
 */
export function rowSource(weights: Weights, entry: WeightEntry): RowSource {
  // Checked before its place: a tensor that does not fit at all should be refused for that.
  const matrix = checkMatrix(weights.file, { ...entry, tensor: entry.name });
  return { ...matrix, byteOffset: weights.byteOffset(entry) };
}

/** Finds the rows of a tensor that may be no matrix at all; null where it is none that is read. */
export function rowSourceIfAny(weights: Weights, entry: WeightEntry): RowSource | null {
  try {
    return rowSource(weights, entry);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/**
 * Checks that an array can be the unembedding matrix.
 *
 * @param found.dtype null where the stored one is none of ours
 * @param found.tensor its name, null where the file is one bare array
 * @throws InputError that says what it is instead
 */
export function checkMatrix(
  file: string,
  found: {
    dtype: Dtype | null;
    storedDtype: string;
    shape: readonly number[];
    tensor: string | null;
  },
): Omit<RowSource, 'byteOffset'> {
  const { dtype, storedDtype, shape, tensor } = found;
  const what = tensor === null ? 'the array' : `tensor ${tensor}`;
  if (dtype === null || dtype === 'float64') {
    const advice =
      dtype === 'float64'
        ? 'convert it to float32'
        : 'give the checkpoint before it was quantised, or convert it';
    throw new InputError(
      `${file}: ${what} has the dtype ${storedDtype}, expected bfloat16, float16 or float32; ${advice}`,
    );
  }
  if (shape.includes(0)) {
    throw new InputError(
      `${file}: ${what} is empty (${shapeText(shape)}): the gathered weights are elsewhere, as DeepSpeed's ZeRO-3 leaves ` +
        'them; gather them with its zero_to_fp32.py, or save with stage3_gather_16bit_weights_on_model_save',
    );
  }
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length > 2) {
    throw new InputError(
      `${file}: ${what} is ${shapeText(shape)}, expected a matrix of vocabulary rows by hidden size; name another tensor`,
    );
  }
  return { file, rows, columns, dtype, tensor };
}

/**
 * Checks that a matrix has the width that the configuration promises.
 *
 * @param config name of the configuration's file
 * @throws InputError that says what does not fit, and whether the matrix is stored transposed
 */
export function checkWidth(
  { file, tensor, rows, columns }: RowSource,
  { hiddenSize, vocabSize }: Model,
  config: string,
): void {
  const isTransposed =
    hiddenSize === null
      ? columns === vocabSize && rows !== vocabSize
      : rows === hiddenSize && columns !== hiddenSize;
  if (isTransposed) {
    const said = hiddenSize === null ? `vocab_size ${vocabSize}` : `hidden size ${hiddenSize}`;
    throw new InputError(
      `${file}: tensor ${tensor} is ${rows} x ${columns}, but ${config} says ${said}: it is stored transposed, and its ` +
        'rows are to be the tokens; save it again as tensor.T.contiguous()',
    );
  }
  if (hiddenSize === null || hiddenSize === columns) return;
  throw new InputError(
    `${file}: tensor ${tensor} is ${rows} x ${columns}, but ${config} says hidden size ${hiddenSize}; ` +
      'name another tensor, or put right what does not belong to this checkpoint',
  );
}

/** Says where the rows of a matrix are others than the configuration promises. */
export function vocabularyNotes({ tensor, rows }: RowSource, { vocabSize }: Model, config: string): string[] {
  if (vocabSize === null || vocabSize === rows) return [];
  return [`tensor ${tensor} has ${counted(rows, 'row')}, ${config} says vocab_size ${vocabSize}`];
}
