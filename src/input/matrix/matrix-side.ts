/** Sides of a model on which tokens have rows: that of the logits, and that on which tokens enter. */
export const matrixSides = ['output', 'input'] as const;
/** Side of a model on which tokens have rows. */
export type MatrixSide = (typeof matrixSides)[number];

/** Matrix of a checkpoint that the user asks for. */
export interface AskedMatrix {
  /** Name of the tensor; undefined where it is found by its name. */
  tensor?: string | undefined;
  /** Side of the model, by default that of the logits. */
  side?: MatrixSide | undefined;
}
