import type { Dtype } from '../formats/dtype.js';
import type { Fold } from '../linalg/fold.js';
import type { Model } from './model-config.js';
import type { NormRule } from './norm/norm-rules.js';
import type { Normalisation } from './normalisation.js';

/** The unembedding matrix gamma where it lies: [rows, columns] row-major, little-endian, without gaps. */
export interface RowSource {
  /** Absolute path. */
  file: string;
  /** Place of row 0, from the start of the file. */
  byteOffset: number;
  /** V */
  rows: number;
  /** d */
  columns: number;
  dtype: 'bfloat16' | 'float16' | 'float32';
  /** The tensor's name in the file, null where the file is one bare array. */
  tensor: string | null;
  /**
   * Divisor of rows before they are used, as a NormHead does: 'norm' for each row's own norm, or a number a
   * column, [d]. Absent where rows are used as they are stored.
   */
  divisor?: 'norm' | Float64Array;
  /** The final norm that is folded into the rows, after any divisor. Absent where none is. */
  fold?: Fold;
}

/** A vector of a checkpoint where it lies: little-endian, without gaps. */
export interface VectorSource {
  /** Absolute path. */
  file: string;
  /** Place of its first number, from the start of the file. */
  byteOffset: number;
  length: number;
  dtype: Dtype;
  /** The tensor's name in the file. */
  tensor: string;
}

/** The norm between the last layer and the unembedding. */
export interface FinalNorm {
  rule: NormRule;
  /** Who says so, for a user: 'model_type llama of config.json', '--norm-rule'. */
  by: string;
  /** w, [d] */
  weight: VectorSource;
  /** Bias of the norm, [d]; null where it has none. */
  bias: VectorSource | null;
}

/** The bytes of the hub that the matrix is. */
export interface HubOrigin {
  /** 'owner/name' */
  repository: string;
  /** The revision, pinned: 40 hexadecimal digits. */
  commit: string;
  /** Name of the file in the repository. */
  file: string;
  /** Place of the matrix in that file; `end` is exclusive. */
  byteRange: { begin: number; end: number };
  /** The hub that it was downloaded from, or the directory of the hub's own cache in which it was found. */
  from: string;
}

/** A checkpoint and its unembedding matrix. Plain data: it can be printed, stored, and sent to a worker. */
export interface Checkpoint {
  /** Absolute path of the directory or file that was given. */
  path: string;
  source: RowSource;
  /** Rows of the matrix as it is stored, whichever of them were selected. */
  storedRows: number;
  model: Model;
  /** Normalisation of the rows before they are used; null where they are used as they are stored. */
  normalisation: Normalisation | null;
  /** The final norm that is to be folded into the rows; null where none is. */
  finalNorm: FinalNorm | null;
  /** Bias of the logits, one number for each of the stored rows; null where the model has none. */
  logitBias: VectorSource | null;
  /** Place on the hub that the matrix is from; null where nothing says so. */
  origin: HubOrigin | null;
  /** Remarks for a user that stop nothing. */
  notes: string[];
}

/** The end of a search for the final norm: the norm, or why there is none that can be folded, with what to do. */
export type NormSearch = { norm: FinalNorm; problem: null } | { norm: null; problem: string };

/** A checkpoint, and how its matrix was found. */
export interface ExplainedCheckpoint extends Checkpoint {
  /** Why this tensor, for a user. */
  reason: string;
  /** The other tensors under known names that are matrices, where they lie. */
  others: OtherTensor[];
  /** What is known of its final norm; null where it was not looked for. */
  norm: NormSearch | null;
}

/** A tensor that a user could take instead. */
export interface OtherTensor {
  name: string;
  /** Absolute path of the file that holds it. */
  file: string;
  shape: readonly number[];
  /** The file's own word for it: BF16, bfloat16, ... */
  dtype: string;
}
