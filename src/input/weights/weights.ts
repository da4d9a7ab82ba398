import type { Dtype } from '../../formats/dtype.js';

/** One tensor of a file of weights. */
export interface WeightEntry {
  name: string;
  /** null where the stored one is none of ours. */
  dtype: Dtype | null;
  /** The file's own word for it: BF16, I8, bfloat16, ... */
  storedDtype: string;
  shape: readonly number[];
}

/** The contents of a file of weights, of which nothing but names and places has been read. */
export interface Weights {
  file: string;
  entries: readonly WeightEntry[];
  /** Key of the dictionary that holds the tensors, in a checkpoint of a training; null where the file itself does. */
  section: string | null;
  /**
   * Says where the tensor's bytes begin, from the start of the file: row-major, little-endian, without gaps.
   *
   * @throws InputError where they do not lie like that
   */
  byteOffset(entry: WeightEntry): number;
}
