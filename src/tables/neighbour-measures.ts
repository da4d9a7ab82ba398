/** Measures of how far two tokens are from each other; the first is the one that is taken where none is asked for. */
export const neighbourMeasures = ['causal_cosine', 'causal_distance', 'cosine', 'distance'] as const;
/** Measure of how far two tokens are from each other. */
export type NeighbourMeasure = (typeof neighbourMeasures)[number];

/** Most neighbours of a token. */
export const MOST_NEIGHBOURS = 1000;

/** Names of the coordinates that measures are taken in. */
export type SpaceName = 'causal' | 'euclidean';

/** Definition of a measure. Every one is a distance: 0 for equal rows, and the smaller, the nearer. */
interface Definition {
  /** Coordinates in which it is taken; measures of the same ones share their products. */
  space: SpaceName;
  /** Whether it looks at directions alone. */
  isCosine: boolean;
  formula: string;
}

/** Definitions of the measures. p are the projections of a token, q = p - m those of its row without the mean row. */
export const measureDefinitions: Readonly<Record<NeighbourMeasure, Definition>> = {
  causal_cosine: {
    space: 'causal',
    isCosine: true,
    formula: '1 - sum_j lambda_j q_ij q_kj / (|q_i|_M |q_k|_M), q = p - m',
  },
  causal_distance: { space: 'causal', isCosine: false, formula: 'sqrt(sum_j lambda_j (p_ij - p_kj)^2)' },
  cosine: { space: 'euclidean', isCosine: true, formula: '1 - sum_j p_ij p_kj / (|p_i| |p_k|)' },
  distance: { space: 'euclidean', isCosine: false, formula: 'sqrt(sum_j (p_ij - p_kj)^2)' },
};

/** The spaces of some measures, each once, in a fixed order. */
export function spacesOf(measures: readonly NeighbourMeasure[]): SpaceName[] {
  const used = new Set(measures.map((measure) => measureDefinitions[measure].space));
  return (['causal', 'euclidean'] as const).filter((space) => used.has(space));
}
