import { shapeText } from '../../formats/shape.js';
import { count } from '../../text/figures.js';
import type { RowSource } from '../checkpoint.js';
import { type Comparison, compareRows } from './compare-rows.js';

/** An embedding beside the matrix that was taken. */
export interface Embedding {
  name: string;
  /** null where it was not looked at, because it is not on this machine. */
  shape: readonly number[] | null;
  /** Place of its rows; null where they cannot be read here, or are none that are read. */
  source: RowSource | null;
}

/**
 * Says where an unembedding matrix and the embedding beside it contradict what the configuration says of them: two that
 * are called tied and differ, or called untied and are the same.
 *
 * @param tied what the configuration says, null where it is silent
 * @param config name of the configuration
 */
export function tyingNotes(
  head: RowSource,
  embedding: Embedding,
  tied: boolean | null,
  config: string,
): string[] {
  if (tied === null) return [];
  const both = `${head.tensor} and ${embedding.name}`;
  const says = `${config} says that the embeddings are ${tied ? '' : 'not '}tied`;
  const taken = `${head.tensor} is taken as it is stored`;
  if (embedding.shape !== null && embedding.shape.join() !== [head.rows, head.columns].join()) {
    const shapes = `${head.rows} x ${head.columns} and ${shapeText(embedding.shape)}`;
    return tied ? [`${says}, but ${both} are ${shapes}: ${taken}`] : [];
  }
  if (embedding.source === null || embedding.source.dtype !== head.dtype) {
    return tied
      ? [`${says}, and both ${both} are stored: ${taken}; whether they differ was not compared`]
      : [];
  }
  const found = compareRows(head, embedding.source);
  if (found.equal === tied) return [];
  return [`${says}, but ${both} ${tied ? 'differ' : 'are equal'} (${scope(found, head)}): ${taken}`];
}

function scope({ compared }: Comparison, { rows }: RowSource): string {
  return compared === rows
    ? `all ${count(rows)} rows compared`
    : `${count(compared)} of ${count(rows)} rows compared`;
}
