/** Measures by which a token is extreme along a direction, in the order of the tables. */
export const measures = ['projection', 'euclidean_cosine', 'causal_cosine'] as const;
/** Measure by which a token is extreme along a direction. */
export type Measure = (typeof measures)[number];

/** Sides of a direction, in the order of the tables. */
export const sides = ['+', '-'] as const;
/** Side of a direction. */
export type Side = (typeof sides)[number];

/** Number of lists of extreme tokens that an eigenvector has: one a measure and side. */
export const LISTS = measures.length * sides.length;

/** Index of the list of a measure and side among those of an eigenvector. */
export function listOf(measure: Measure, side: Side): number {
  return measures.indexOf(measure) * sides.length + sides.indexOf(side);
}
