import type { PackedEntry } from '../packed-arrays.js';

/**
 * Head of the page of a comparison, as JSON. Its arrays, of which those that are not known are absent, are these; V and d are
 * those of run A:
 *
 * | name | shape | what |
 * |---|---|---|
 * | token.text, token.text_bytes | bytes; [V] | as in the report |
 * | token.partner | [V] | id in B; -1 where there is none |
 * | token.norm, token.causal_norm, token.norm_b, token.causal_norm_b | [V] | float32; NaN without a partner |
 * | token.displacement, token.causal_displacement, token.cosine | [V] | float32; NaN without a partner |
 * | token.steps | [V] | float32; NaN where rows are not both stored as bfloat16 |
 * | spectrum.eigenvalue, .variance_a, .variance_b, .flow | [d] | float32; NaN where not known |
 * | map | [bands, bands] | float32; shares of a band of A in the bands of B |
 */
export interface ComparisonHead {
  a: string;
  b: string;
  /** Number of A's tokens V. */
  rows: number;
  /** Hidden size d of A. */
  hidden: number;
  /** First index of each band of the map; none where there is no map. */
  bands: number[];
  entries: PackedEntry[];
}
