import { explainCheckpoint, type RowSource } from './input/checkpoint.js';
import { dtypeBytes } from './input/dtype.js';
import type { Model } from './input/model-config.js';
import { findTensor } from './input/shards.js';
import { openTokenizer } from './input/tokenizer.js';

/** What a run would work on, known without reading a weight. Plain data. */
export interface ModelInspection {
  /** Absolute. */
  path: string;
  model: Model;
  /** The tensor that a run would take. */
  source: RowSource & { bytes: number };
  /** Why that tensor. */
  reason: string;
  /** The other tensors under known names. `dtype` as the file calls it. */
  others: { name: string; file: string; shape: readonly number[]; dtype: string }[];
  /** null where the checkpoint has none. */
  tokenizer: {
    tokens: number;
    special: number;
    /** Rows of the matrix for which the tokenizer has no token. */
    orphans: number;
  } | null;
  notes: string[];
}

/**
 * Looks at a checkpoint as a run would, and reads nothing but headers and the tokenizer.
 *
 * @throws InputError as openCheckpoint and openTokenizer
 */
export async function inspectModel(
  path: string,
  options: { tensor?: string } = {},
): Promise<ModelInspection> {
  const { source, others, ...checkpoint } = await explainCheckpoint(path, options);
  const candidates = others.map(async ({ name, file }) => {
    const { shape, storedDtype } = (await findTensor(file, name)).entry;
    return { name, file, shape, dtype: storedDtype };
  });
  return {
    ...checkpoint,
    source: { ...source, bytes: source.rows * source.columns * dtypeBytes[source.dtype] },
    others: await Promise.all(candidates),
    tokenizer: await inspectTokenizer(checkpoint.path, source.rows),
  };
}

async function inspectTokenizer(path: string, rows: number): Promise<ModelInspection['tokenizer']> {
  const tokenizer = await openTokenizer(path);
  if (tokenizer === null) return null;
  let orphans = 0;
  for (let id = 0; id < rows; id++) if (tokenizer.text(id) === null) orphans++;
  let special = 0;
  for (let id = 0; id < tokenizer.tokens; id++) if (tokenizer.isSpecial(id)) special++;
  return { tokens: tokenizer.tokens, special, orphans };
}
