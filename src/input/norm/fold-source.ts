import type { FinalNorm, RowSource } from '../checkpoint.js';
import { readFiniteVector } from '../read-vector.js';
import { type NormRule, normTraits } from './norm-rules.js';

/** A vector that a run was made from, as it records it. */
export interface VectorRecord {
  tensor: string;
  /** dtype in which it is stored. */
  dtype: string;
  /** SHA-256 (hex) of its stored bytes. */
  sha256: string;
}

/** The final norm that was folded into the rows of a run, as it records it. */
export interface NormRecord extends VectorRecord {
  rule: NormRule;
  /** Bias of the norm; null where it has none. */
  bias: VectorRecord | null;
}

/** Rows with a norm folded in. */
export interface FoldedSource {
  source: RowSource;
  /** Null where no norm is folded. */
  norm: NormRecord | null;
}

/**
 * Gives the rows of a checkpoint with the final norm folded in, whose weights are read.
 *
 * @param norm null where none is to be folded
 * @throws InputError where its tensors cannot be read, or hold NaN or infinity
 */
export async function foldSource(source: RowSource, norm: FinalNorm | null): Promise<FoldedSource> {
  if (norm === null) return { source, norm: null };
  const { rule, weight, bias } = norm;
  const { isOnePlus, isCentred } = normTraits[rule];
  const read = await readFiniteVector(weight);
  const readBias = bias === null ? null : await readFiniteVector(bias);
  // No factor is -0, which a plan would not keep.
  const factors = read.values.map((w) => w + (isOnePlus ? 1 : 0));
  return {
    source: { ...source, fold: { factors, isCentred, bias: readBias?.values ?? null } },
    norm: {
      rule,
      ...recordOf(weight, read),
      bias: bias === null || readBias === null ? null : recordOf(bias, readBias),
    },
  };
}

/** What a run records of a vector that was read. */
export function recordOf(
  { tensor, dtype }: { tensor: string; dtype: string },
  { sha256 }: { sha256: string },
): VectorRecord {
  return { tensor, dtype, sha256 };
}
