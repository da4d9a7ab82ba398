import { type Checkpoint, openCheckpoint, type RowSource } from './checkpoint.js';
import type { Model } from './model-config.js';

/** A model that has been found, before its weights are here. */
export interface ModelPlan {
  model: Model;
  /** The unembedding matrix. */
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype' | 'tensor'>;
  /** What `fetch` still has to download; 0 for what lies on this machine. */
  bytesToDownload: number;
  /** Where `fetch` puts what it downloads; absent where nothing is. */
  downloadDirectory?: string;
  /** Brings the matrix to this machine. `onBytes` is told of bytes as they arrive. */
  fetch(onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<Checkpoint>;
}

/**
 * Finds a model and its unembedding matrix. Of the weights nothing is read but headers.
 *
 * @param model path of a Hugging Face directory, of a .safetensors or of a .npy file
 * @throws InputError as openCheckpoint
 */
export async function planModel(model: string, options: { tensor?: string } = {}): Promise<ModelPlan> {
  const checkpoint = await openCheckpoint(model, options);
  const { rows, columns, dtype, tensor } = checkpoint.source;
  return {
    model: checkpoint.model,
    shape: { rows, columns, dtype, tensor },
    bytesToDownload: 0,
    fetch: async () => checkpoint,
  };
}
