import type { Checkpoint, ExplainedCheckpoint, RowSource } from './checkpoint.js';
import type { Model } from './model-config.js';

/** A model that has been found, before its weights are here. */
export interface ModelPlan extends Pick<ExplainedCheckpoint, 'reason' | 'notes' | 'norm'> {
  model: Model;
  /** The unembedding matrix, of the selected rows where `isFinal`: for that the tokenizer must be here. */
  shape: Pick<RowSource, 'rows' | 'columns' | 'dtype' | 'tensor'> & { isFinal: boolean };
  /** Bytes that `fetch` still has to download; 0 for a model on this machine. */
  bytesToDownload: number;
  /** Normalisation of the rows before they are used; null where they are used as they are stored. */
  normalisation: Checkpoint['normalisation'];
  /** The final norm that is folded into the rows; null where none is. */
  finalNorm: Checkpoint['finalNorm'];
  /** The file that `fetch` makes of the matrix; absent where nothing is downloaded. */
  downloadTarget?: string;
  /** Brings the matrix to this machine. `onBytes` is told of bytes as they arrive. */
  fetch(onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<Checkpoint>;
}

/** Plans a checkpoint that is here. @param explained why its tensor was taken, and what is known of its final norm */
export function localPlan(
  checkpoint: Checkpoint,
  { reason, norm }: Pick<ExplainedCheckpoint, 'reason' | 'norm'>,
): ModelPlan {
  return {
    model: checkpoint.model,
    shape: shapeOf(checkpoint, true),
    reason,
    norm,
    notes: checkpoint.notes,
    normalisation: checkpoint.normalisation,
    finalNorm: checkpoint.finalNorm,
    bytesToDownload: 0,
    fetch: async () => checkpoint,
  };
}

/** Says what a plan says of a checkpoint's matrix. @param isFinal whether its rows are those that were selected */
export function shapeOf(
  { source: { rows, columns, dtype, tensor } }: Checkpoint,
  isFinal: boolean,
): ModelPlan['shape'] {
  return { rows, columns, dtype, tensor, isFinal };
}
