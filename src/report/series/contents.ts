import type { PackedEntry } from '../packed-arrays.js';

/**
 * Head of the page of a series, as JSON. Its arrays are these; T is the number of steps, and K the length of a list:
 *
 * | name | shape | what |
 * |---|---|---|
 * | step.COLUMN | [T] | float32, a column of figures of series.parquet; NaN where it is not known |
 * | moved.before.token, moved.first.token | [T, K] | int32, ids of the tokens that have moved most; -1 beyond the last |
 * | moved.before.norm, .causal_norm, moved.first.norm, .causal_norm | [T, K] | float32, how far |
 * | named | [m] | int32, ids of all tokens in lists, rising |
 * | token.text, token.text_bytes | bytes; [m] | their texts, as in the report |
 */
export interface SeriesHead {
  /** What each step is called: the folder of its run. */
  steps: string[];
  /** Number of tokens V. */
  rows: number;
  /** Length K of the lists. */
  places: number;
  entries: PackedEntry[];
}
