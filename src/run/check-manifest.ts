import type { Check } from '../checks/verdict.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { Manifest } from '../output/manifest.js';
import { figuresOfRows, spectralFiguresOf } from '../tables/spectral-figures.js';
import { summariseSpectrum } from '../tables/spectrum.js';
import type { VerificationResult } from './judge-run.js';
import { worthOf } from './results.js';
import { spectrumSource } from './spectrum-source.js';

/** Relative: sums are taken in one order, but another processor may round a logarithm or a product differently. */
const TOLERANCE = 1e-9;

/** Weights of the rows of a run, [V]. */
interface MeasuredWeights {
  stored: Float64Array;
  /** Computed again of the checkpoint; null where that cannot be done. */
  recomputed: Float64Array | null;
}

/** Compares the figures that a manifest gives, and the kind of its weights, with what has been measured again. */
export function checkManifest(
  manifest: Manifest,
  basis: StoredEigenbasis,
  {
    projections,
    norms,
    means,
    variances,
    weights: measuredWeights,
  }: VerificationResult & { weights: MeasuredWeights | null },
): Check {
  const projected = manifest.eigenvalues.varianceSource === 'projections' ? variances : null;
  const spectrum = spectrumSource(basis, manifest.metric, projected);
  const { metric, weights, model } = manifest;
  const spectralFigures = spectralFiguresOf({
    ...spectrum,
    ...basis,
    means,
    rows: model.rows,
    secondMoment: metric.source === 'computed' ? metric.secondMoment : 'centred',
    isWeighted: weights !== null,
    rowSums: null,
  });
  // No tables are measured again, which alone tell these.
  const saidOfRows = Object.fromEntries(
    figuresOfRows.map((name) => [name, manifest.spectralFigures[name] ?? null]),
  );
  const measured = {
    eigenvalues: summariseSpectrum(spectrum),
    spectralFigures: { ...spectralFigures, ...saidOfRows },
    projections,
    norms,
    weights: measuredWeights === null ? null : worthOf(measuredWeights.stored),
  };
  const figures = figuresOf({ ...manifest, ...measured });
  const differences = Object.entries(figuresOf(manifest)).flatMap(([name, said]) => {
    // Null is what was not known, or not yet counted by the version that wrote it.
    const figure = figures[name];
    if (said === null || (figure !== undefined && agree(said, figure))) return [];
    return [`${name} is ${said}, measured ${figure}`];
  });
  if (weights !== null && measuredWeights !== null)
    differences.push(...differencesOfWeights(weights.kind, measuredWeights));
  return {
    name: 'manifest',
    what: 'figures of the manifest that differ from those measured',
    measured: differences.length,
    tolerance: 0,
    verdict: differences.length === 0 ? 'passed' : 'failed',
    ...(differences.length === 0 ? {} : { detail: differences.join('\n') }),
  };
}

/** The numbers of the compared parts, by their place. */
function figuresOf({
  eigenvalues,
  spectralFigures,
  projections,
  norms,
  weights,
}: Pick<Manifest, 'eigenvalues' | 'spectralFigures' | 'projections' | 'norms'> & {
  weights: ReturnType<typeof worthOf> | null;
}) {
  const figures: Record<string, number | null> = {};
  const collect = (place: string, value: unknown) => {
    if (typeof value === 'number' || value === null) figures[place] = value;
    else if (typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) collect(`${place}.${key}`, inner);
  };
  const worth =
    weights === null ? null : { effectiveRows: weights.effectiveRows, positiveRows: weights.positiveRows };
  const parts = { eigenvalues, spectralFigures, projections, norms, weights: worth };
  for (const [name, part] of Object.entries(parts)) collect(name, part);
  return figures;
}

/** Says where the weights that are stored are not those of their kind, computed again. */
function differencesOfWeights(kind: string, { stored, recomputed }: MeasuredWeights): string[] {
  const row = recomputed?.findIndex((weight, i) => !agree(stored[i]!, weight)) ?? -1;
  return row < 0
    ? []
    : [`weights.kind is ${kind}, by which row ${row} weighs ${recomputed![row]}, not ${stored[row]}`];
}

function agree(a: number, b: number | null): boolean {
  if (b === null) return false;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}
