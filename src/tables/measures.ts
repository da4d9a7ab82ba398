/** Measures by which a token is extreme along a direction, in the order of the tables. */
export const measures = ['projection', 'euclidean_cosine', 'causal_cosine'] as const;
/** Measure by which a token is extreme along a direction. */
export type Measure = (typeof measures)[number];

/** Sides of a direction, in the order of the tables. */
export const sides = ['+', '-'] as const;
/** Side of a direction. */
export type Side = (typeof sides)[number];
