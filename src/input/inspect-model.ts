import { dtypeBytes } from '../formats/dtype.js';
import type { HubSettings } from '../hub/settings.js';
import { explainCheckpoint, type RowSource } from './checkpoint.js';
import type { Model } from './model-config.js';
import { type ModelPlan, planModel } from './model-plan.js';
import { findTensor } from './shards.js';
import { openTokenizer } from './tokenizer.js';
import { chooseUnembedding, NAMED_BY_USER } from './unembedding.js';
import { readWeights } from './weights.js';

/** What a run would work on, known without reading a weight. Plain data. */
export interface ModelInspection {
  /** The directory or file that was given, absolute. */
  path: string;
  /** What its config.json says; null where it is silent. */
  model: Model;
  /** The tensor that a run would take: [rows, columns] = [V, d] row-major, and its length in bytes. */
  source: RowSource & { bytes: number };
  /** Why that tensor. */
  reason: string;
  /** The other tensors under known names. `dtype` as the file calls it. */
  others: { name: string; file: string; shape: readonly number[]; dtype: string }[];
  /** Null where the checkpoint has none. */
  tokenizer: {
    /** The highest token id + 1. */
    tokens: number;
    /** How many of them stand for no text. */
    special: number;
    /** Rows of the matrix for which the tokenizer has no token. */
    orphans: number;
  } | null;
  /** What a user should know though it stops nothing. */
  notes: string[];
}

/**
 * Looks at a checkpoint on this machine as a run would, and reads nothing but headers and the tokenizer.
 *
 * @param path of a Hugging Face directory, or of a .safetensors, .bin or .npy file
 * @param options.tensor looks at this tensor instead of the one that is found by name
 * @returns the tensor that a run would take, why it would, and what the tokenizer holds
 * @throws EigenshardError of the kind 'input' where there is no such file, no unembedding matrix in it, one of a dtype
 *   or shape that is not supported, or a tokenizer that cannot be read
 */
export async function inspectModel(
  path: string,
  options: { tensor?: string } = {},
): Promise<ModelInspection> {
  const { source, others, ...checkpoint } = await explainCheckpoint(path, options);
  const candidates = others.map(async ({ name, file }) => {
    const { shape, storedDtype } = findTensor(await readWeights(file), name);
    return { name, file, shape, dtype: storedDtype };
  });
  return {
    ...checkpoint,
    source: { ...source, bytes: source.rows * source.columns * dtypeBytes[source.dtype] },
    others: await Promise.all(candidates),
    tokenizer: await inspectTokenizer(checkpoint.path, source.rows),
  };
}

/** What a run would download and work on, of a model of the hub. Plain data. */
export interface HubModelInspection extends Pick<ModelPlan, 'model' | 'shape' | 'bytesToDownload'> {
  /** Why that tensor. */
  reason: string;
}

/**
 * Looks at a model of the hub as a run would, and downloads nothing but its small files and a header.
 *
 * @throws InputError or RunError as planModel
 */
export async function inspectHubModel(
  reference: string,
  { hub, tensor }: { hub: HubSettings; tensor?: string | undefined },
): Promise<HubModelInspection> {
  const { model, shape, bytesToDownload } = await planModel(reference, { hub, tensor });
  const byName = chooseUnembedding(new Set([shape.tensor!]), model.tied);
  const reason = tensor === undefined && byName !== null ? byName.reason : NAMED_BY_USER;
  return { model, shape, bytesToDownload, reason };
}

async function inspectTokenizer(path: string, rows: number): Promise<ModelInspection['tokenizer']> {
  const tokenizer = await openTokenizer(path);
  if (tokenizer === null) return null;
  let orphans = 0;
  for (let id = 0; id < rows; id++) if (tokenizer.text(id) === null) orphans++;
  // Only rows have tokens: the highest id of a made-up tokenizer may be any number.
  let special = 0;
  for (let id = 0; id < Math.min(rows, tokenizer.tokens); id++) if (tokenizer.isSpecial(id)) special++;
  return { tokens: tokenizer.tokens, special, orphans };
}
