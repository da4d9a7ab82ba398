import { type Measure, measures, type Side, sides } from '../tables/measures.js';
import type { PackedEntry } from './packed-arrays.js';

/** Bits of `token.flags`. */
export const tokenFlags = { orphan: 1, special: 2 } as const;

/** `token.text_bytes` of a token without text. */
export const NO_TEXT = -1;

/** What the page holds beside its arrays, as JSON. d = hidden, V = rows. */
export interface ReportHead {
  model: string;
  rows: number;
  hidden: number;
  /** Extreme tokens a side and measure in the page, and in extremes.parquet. */
  places: { shown: number; stored: number };
  /** Strongest directions a token in the page, and in tokens.parquet. */
  directions: { shown: number; stored: number };
  /** z = `token.direction_z` times this. */
  directionStep: number;
  /** Bins of z, uniform from `lower` to `upper`; the outer two are open to the outside. */
  histogram: { bins: number; lower: number; upper: number };
  /** How far a quantile may be off, as a share of maximum - minimum of p. */
  quantileError: number;
  /** Names of the columns of eigenvectors.parquet, all of them in the page as `eigenvector.NAME` [d]. */
  eigenvectorColumns: readonly string[];
  normError: NormErrors;
  entries: PackedEntry[];
}

/** norm_error of the tokens in bins between powers of ten. */
export interface NormErrors {
  /** log10 of the edges: one more than counts. */
  edges: number[];
  counts: number[];
  /** Errors that are exactly 0, which have no logarithm. */
  zeros: number;
  maximum: number;
}

/**
 * The arrays of the page beside `eigenvector.*`.
 *
 * | name | shape | what |
 * |---|---|---|
 * | extreme.token_id, .value, .angle | [d, 3 measures, 2 sides, places] | id or -1; float32; angle in steps of ANGLE_STEP degrees |
 * | histogram.count | [d, bins] | tokens |
 * | token.norm, token.causal_norm | [V] | float32 |
 * | token.flags, token.duplicate_group | [V] | bits of `tokenFlags`; lowest id of its group, or -1 |
 * | token.text, token.text_bytes | bytes; [V] | UTF-8 of all texts; the length of each, or NO_TEXT |
 * | token.direction, token.direction_z | [directions, V] | index; z in steps of directionStep |
 */
export const ANGLE_STEP = 180 / 65_535;

/** Where the extremes of one index, measure and side begin. */
export function extremesStart(places: number, index: number, measure: Measure, side: Side): number {
  return (
    ((index * measures.length + measures.indexOf(measure)) * sides.length + sides.indexOf(side)) * places
  );
}
