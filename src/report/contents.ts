import { type Measure, measures, type Side, sides } from '../tables/measures.js';
import type { NeighbourMeasure } from '../tables/neighbour-measures.js';
import type { PackedEntry } from './packed-arrays.js';

/** Bits of `token.flags`, by what they say of a token. */
export const tokenFlags = { orphan: 1, special: 2 } as const;

/** Value of `token.text_bytes` for a token without text. */
export const NO_TEXT = -1;

/** Head of the page, as JSON: all that it holds beside its arrays. */
export interface ReportHead {
  model: string;
  /** Number of tokens V. */
  rows: number;
  /** Hidden size d. */
  hidden: number;
  /** Ridge rho of the metric, or null where it is unknown. */
  ridge: number | null;
  /** Neighbouring eigenvalues closer than this, relatively, are of one cluster. */
  clusterThreshold: number;
  /** Extreme tokens a side and measure in the page, and in extremes.parquet. */
  places: { shown: number; stored: number };
  /** Strongest directions a token in the page, and in tokens.parquet. */
  directions: { shown: number; stored: number };
  /**
   * Nearest neighbours a token in the page, and in neighbours.parquet, by each of these measures; null where the run has none.
   */
  neighbours: { measures: readonly NeighbourMeasure[]; shown: number; stored: number } | null;
  /** Factor of `token.direction_1_z` and its like, and of `token.z`, that gives z. */
  directionStep: number;
  /** Bins of z, uniform from `lower` to `upper`; the outer two are open to the outside. */
  histogram: { bins: number; lower: number; upper: number };
  /** Largest error of a quantile, as a share of maximum - minimum of p. */
  quantileError: number;
  /** Names of the columns of eigenvectors.parquet, all of them in the page as `eigenvector.NAME` [d]. */
  eigenvectorColumns: readonly string[];
  normError: NormErrors;
  entries: PackedEntry[];
}

/** Histogram of norm_error over the tokens, in bins between powers of ten. */
export interface NormErrors {
  /** Edges as their log10: one more than counts. */
  edges: number[];
  counts: number[];
  /** Errors that are exactly 0, which have no logarithm. */
  zeros: number;
  maximum: number;
}

/**
 * Step of the angles of extreme tokens, in degrees. The arrays of the page beside `eigenvector.*` are these:
 *
 * | name | shape | what |
 * |---|---|---|
 * | extreme.token_id, .value, .angle | [d, measures, sides, places] | id or -1; float32; angle in steps of ANGLE_STEP degrees |
 * | histogram.count | [d, bins] | tokens |
 * | token.norm, token.causal_norm | [V] | float32 |
 * | token.flags, token.duplicate_group | [V] | bits of `tokenFlags`; lowest id of its group, or -1 |
 * | token.text, token.text_bytes | bytes; [V] | UTF-8 of all texts; the length of each, or NO_TEXT |
 * | token.direction_1, token.direction_1_z, and on | [V] | index; z in steps of directionStep |
 * | neighbour.MEASURE_1, neighbour.MEASURE_1_value, and on | [V] | id or -1; value of the measure as `logStep` has it |
 * | token.z | [V, d], or absent | z in steps of directionStep, in the page of a small run |
 */
export const ANGLE_STEP = 180 / 65_535;

/** Position at which the extremes of one index, measure and side begin. */
export function extremesStart(places: number, index: number, measure: Measure, side: Side): number {
  return (
    ((index * measures.length + measures.indexOf(measure)) * sides.length + sides.indexOf(side)) * places
  );
}
