import { InputError } from '../errors.js';
import { refuseNoPath } from '../files/refuse-no-path.js';
import { dtypeBytes } from '../formats/dtype.js';
import type { HubSettings } from '../hub/settings.js';
import { unknownName } from '../text/nearest.js';
import { shownValue } from '../text/shown-value.js';
import type { NormSearch, OtherTensor, RowSource, VectorSource } from './checkpoint.js';
import { chooseHeadRows } from './head-rows.js';
import { type AskedMatrix, type MatrixSide, matrixSides } from './matrix/matrix-side.js';
import type { Model } from './model-config.js';
import type { ModelPlan } from './model-plan.js';
import type { Normalisation } from './normalisation.js';
import { explainCheckpoint } from './open-checkpoint.js';
import { planModel } from './plan-model.js';
import { openTokenizer } from './tokenizer/open-tokenizer.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';
import { tokenizerNotes } from './tokenizer/tokenizer-notes.js';

/** The model that a run would work on, known without reading a weight. Plain data. */
export interface ModelInspection {
  /** The directory or file that was given, absolute. */
  path: string;
  /** What its config.json says; null where it is silent. */
  model: Model;
  /** The tensor that a run would take: [rows, columns] = [V, d] row-major, and its length in bytes. */
  source: RowSource & { bytes: number };
  /** Why that tensor. */
  reason: string;
  /** The other tensors under known names. */
  others: OtherTensor[];
  /** Normalisation of the rows in a run; null where it would take them as they are stored. */
  normalisation: Normalisation | null;
  /** The final norm that `foldNorm` would fold into the rows, or why there is none that can be folded. */
  norm: NormSearch;
  /** Bias of the logits; null where the model has none. */
  logitBias: VectorSource | null;
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
 * @param options.side looks at the matrix of this side of the model: 'output', its unembedding, or 'input'. Default: 'output'
 * @returns the tensor that a run would take, why it would, and what the tokenizer holds
 * @throws EigenshardError of the kind 'input' where there is no such file, no unembedding matrix in it, one of a dtype
 *   or shape that is not supported, or a tokenizer that cannot be read
 */
export async function inspectModel(
  path: string,
  options: { tensor?: string; side?: MatrixSide } = {},
): Promise<ModelInspection> {
  refuseNoPath(path, 'a checkpoint');
  refuseUnknownOptions(options);
  const explained = await explainCheckpoint(path, { ...options, wish: LOOKED_AT });
  const { reason, others, norm, ...found } = explained;
  const { source, finalNorm: _, ...checkpoint } = chooseHeadRows(found, undefined);
  const tokenizer = await openTokenizer(checkpoint.path);
  return {
    ...checkpoint,
    reason,
    others,
    norm: norm!,
    source: { ...source, bytes: source.rows * source.columns * dtypeBytes[source.dtype] },
    notes: [...checkpoint.notes, ...(tokenizer === null ? [] : tokenizerNotes(tokenizer, source.rows))],
    tokenizer: tokenizer === null ? null : inspectTokenizer(tokenizer, source.rows),
  };
}

/** Wish to see the final norm, which is not folded. */
const LOOKED_AT = { isFolded: false } as const;

/** A model of the hub that a run would download and work on. Plain data. */
export type HubModelInspection = Pick<
  ModelPlan,
  'model' | 'shape' | 'reason' | 'notes' | 'bytesToDownload'
> & {
  norm: NormSearch;
};

/**
 * Looks at a model of the hub as a run would, and downloads nothing but its small files and a header.
 *
 * @throws InputError or RunError as planModel
 */
export async function inspectHubModel(
  reference: string,
  { hub, tensor, side }: AskedMatrix & { hub: HubSettings },
): Promise<HubModelInspection> {
  const plan = await planModel(reference, { hub, tensor, side, wish: LOOKED_AT });
  const { model, shape, reason, notes, norm, bytesToDownload } = plan;
  return { model, shape, reason, notes, norm: norm!, bytesToDownload };
}

/** @throws InputError for anything but `tensor`, a name, and `side` */
function refuseUnknownOptions(options: unknown): void {
  const refuse = (what: string) => {
    throw new InputError(`options: ${what}`);
  };
  if (typeof options !== 'object' || options === null) {
    refuse(`is ${shownValue(options)}: expected an object, { ... }`);
    return;
  }
  for (const [key, value] of Object.entries(options)) {
    if (key !== 'tensor' && key !== 'side')
      refuse(`there is no option ${unknownName(key, ['tensor', 'side'])}`);
    if (key === 'side') {
      if (value !== undefined && !matrixSides.some((side) => side === value))
        refuse(`"side" is ${shownValue(value)}: expected ${matrixSides.join(' or ')}`);
    } else if (value !== undefined && (typeof value !== 'string' || value === ''))
      refuse(`"tensor" is ${shownValue(value)}: expected the name of a tensor`);
  }
}

function inspectTokenizer(tokenizer: Tokenizer, rows: number): ModelInspection['tokenizer'] {
  let orphans = 0;
  for (let id = 0; id < rows; id++) if (!tokenizer.has(id)) orphans++;
  // Only rows have tokens: the highest id of a made-up tokenizer may be any number.
  let special = 0;
  for (let id = 0; id < Math.min(rows, tokenizer.tokens); id++) if (tokenizer.isSpecial(id)) special++;
  return { tokens: tokenizer.tokens, special, orphans };
}
