/**
 * Kinds of vectors that are not rows, of which each is the other's dual. A token-like one can be compared with a row of the
 * unembedding (a difference of rows, a concept), a hidden-like one is multiplied with rows (a hidden state, a decoder row
 * of a sparse autoencoder, a steering vector, a neuron).
 */
export const vectorKinds = ['token', 'hidden'] as const;
/** Kind of vectors that are not rows. */
export type VectorKind = (typeof vectorKinds)[number];

/** Places of vectors beside the final norm: behind it, where rows are multiplied with them, or before it. */
export const vectorSpaces = ['normed', 'residual'] as const;
/** Place of vectors beside the final norm. */
export type VectorSpace = (typeof vectorSpaces)[number];
