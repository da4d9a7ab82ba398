/** The measures by which a token is extreme along a direction, in the order of the tables. */
export const measures = ['projection', 'euclidean_cosine', 'causal_cosine'] as const;
export type Measure = (typeof measures)[number];

export const sides = ['+', '-'] as const;
export type Side = (typeof sides)[number];
