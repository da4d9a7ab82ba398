import { equalBands, MAP_BANDS } from '../../plan/bands.js';
import { type BandFigures, eigenvalueFlow, overlapMap } from '../../tables/band-table.js';
import type { DisplacementFigures } from '../../tables/displacement-table.js';
import type { PackedArray } from '../packed-arrays.js';
import { packedTexts } from '../packed-texts.js';

/** Arrays of the page of a comparison, see `ComparisonHead`, and the first index of each band of its map. */
export function comparisonArrays(
  { tokens, texts, norms, displacements }: DisplacementFigures,
  { spectra }: BandFigures,
): { arrays: Record<string, PackedArray>; bands: number[] } {
  const rows = texts.a.length;
  const partner = new Int32Array(rows).fill(-1);
  for (const [place, id] of tokens.a.entries()) partner[id] = tokens.b[place]!;
  /** By the ids of A what is known by the places of the pairs. */
  const byId = (values: ArrayLike<number>) => {
    const out = new Float32Array(rows).fill(Number.NaN);
    for (const [place, id] of tokens.a.entries()) out[id] = values[place]!;
    return out;
  };
  const { overlap, variances, eigenvalues } = spectra;
  return {
    arrays: {
      ...packedTexts(texts.a),
      'token.partner': partner,
      'token.norm': byId(norms.a.norm),
      'token.causal_norm': byId(norms.a.causalNorm),
      'token.norm_b': byId(norms.b.norm),
      'token.causal_norm_b': byId(norms.b.causalNorm),
      ...(displacements === null
        ? {}
        : {
            'token.displacement': byId(displacements.norm),
            'token.causal_displacement': byId(displacements.causalNorm),
            'token.cosine': byId(displacements.cosine),
            'token.steps': byId(displacements.steps.map((steps) => (steps < 0 ? Number.NaN : steps))),
          }),
      'spectrum.eigenvalue': Float32Array.from(eigenvalues),
      'spectrum.variance_a': Float32Array.from(variances.a),
      ...(variances.b === null
        ? {}
        : {
            'spectrum.variance_b': Float32Array.from(variances.b),
            'spectrum.flow': Float32Array.from(eigenvalueFlow(spectra)),
          }),
      ...(overlap === null ? {} : { map: Float32Array.from(overlapMap(overlap)) }),
    },
    bands: overlap === null ? [] : equalBands(overlap.rows, MAP_BANDS).map(({ first }) => first),
  };
}
