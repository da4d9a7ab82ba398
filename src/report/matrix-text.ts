import type { Manifest } from '../output/manifest.js';

/** Names the matrix of a run for a person: its tensor, dtype, and side where that is not the usual one. */
export function matrixText({ model, options }: Pick<Manifest, 'model' | 'options'>): string {
  const side = options.side === 'input' ? ', the input embedding' : '';
  return `${model.tensor ?? 'bare matrix'}, ${model.dtype}${side}`;
}
