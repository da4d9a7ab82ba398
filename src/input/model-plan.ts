import { existsSync } from 'node:fs';
import { parseHubReference } from '../hub/reference.js';
import type { HubSettings } from '../hub/settings.js';
import { type Checkpoint, openCheckpoint, type RowSource } from './checkpoint.js';
import type { Model } from './model-config.js';
import { planHubModel } from './plan-hub-model.js';
import { type RowSelection, selectRows } from './vocabulary-rows.js';

/** A model that has been found, before its weights are here. */
export interface ModelPlan {
  model: Model;
  /** The unembedding matrix, of the selected rows where `isFinal`: for that the tokenizer must be here. */
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype' | 'tensor'> & { isFinal: boolean };
  /** What `fetch` still has to download; 0 for what lies on this machine. */
  bytesToDownload: number;
  /** The file that `fetch` makes of the matrix; absent where nothing is downloaded. */
  downloadTarget?: string;
  /** Brings the matrix to this machine. `onBytes` is told of bytes as they arrive. */
  fetch(onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<Checkpoint>;
}

export interface ModelOptions {
  hub: HubSettings;
  /** This tensor instead of the one that is found by name. */
  tensor?: string | undefined;
  /** By default all. */
  rows?: RowSelection | undefined;
  /** Shows a line to the person who watches: of a wait, of a file that is downloaded again. */
  note?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds a model and its unembedding matrix. Of the weights nothing is read but headers.
 *
 * @param model path of a Hugging Face directory, of a .safetensors or of a .npy file; where there is no such path,
 * a model of the hub: 'owner/name' or 'owner/name@revision'
 * @throws InputError or RunError as openCheckpoint, planHubModel and selectRows
 */
export async function planModel(model: string, options: ModelOptions): Promise<ModelPlan> {
  const { hub, tensor, rows = 'all', note = () => {}, signal } = options;
  const reference = existsSync(model) ? null : parseHubReference(model);
  if (reference !== null) return planHubModel(reference, hub, { tensor, rows, note, signal });
  const opened = await openCheckpoint(model, tensor === undefined ? {} : { tensor });
  return localPlan(await selectRows(opened, rows));
}

/** The plan of a checkpoint that is here. */
export function localPlan(checkpoint: Checkpoint): ModelPlan {
  return {
    model: checkpoint.model,
    shape: shapeOf(checkpoint, true),
    bytesToDownload: 0,
    fetch: async () => checkpoint,
  };
}

export function shapeOf(
  { source: { rows, columns, dtype, tensor } }: Checkpoint,
  isFinal: boolean,
): ModelPlan['shape'] {
  return { rows, columns, dtype, tensor, isFinal };
}
