import { rankOneUpdate } from '../linalg/eigh/rank-one-update.js';
import { participationRatio, type SpectrumSource } from './spectrum.js';

/** What the figures of a run's spectrum are taken from beside its eigenvalues. */
export interface SpectralSource extends SpectrumSource {
  /** V */
  rows: number;
  /** m_j, the means of the columns of the projections, [d]. */
  means: Float64Array;
  /** float32 [d, d] row-major, column j belongs to lambda_j. */
  eigenvectors: Float32Array;
}

/** The spectrum of a checkpoint's own covariance. Arrays are [d]. */
interface KnownSpectrum {
  /** V */
  rows: number;
  /** Eigenvalues c of C, falling; what rounding leaves below zero is zero. */
  c: Float64Array;
  /** Eigenvalues of C + mu mu^T, the uncentred second moment, falling. */
  uncentred: Float64Array;
  /** Standard deviation of each coordinate of the rows. */
  deviations: Float64Array;
}

/** One figure of a spectrum, by its exact name. */
export interface SpectralFigure {
  /** Name in the manifest, and of the column of summary.parquet. */
  name: string;
  /** For a person. */
  title: string;
  formula: string;
  /** NaN where it is not defined. */
  of(known: KnownSpectrum): number;
}

/**
 * Lists the figures of a spectrum that are easily taken for one another: what the manifest has, `inspect` prints,
 * summary.parquet and the report show. docs/mathematics.md has the same table.
 */
export const spectralFigures = [
  {
    name: 'iso_score',
    title: 'IsoScore',
    formula: '(PR - 1) / (d - 1), PR = (sum c)^2 / sum c^2',
    of: ({ c }) => (participationRatio(c) - 1) / (c.length - 1),
  },
  {
    name: 'effective_rank_centred',
    title: 'effective rank, centred',
    formula: 'exp H(s / sum s), s = sqrt(c)',
    of: ({ c }) => entropyRank(c.map(Math.sqrt)),
  },
  {
    name: 'effective_rank_uncentred',
    title: 'effective rank, uncentred',
    formula: 'exp H(s / sum s), s the singular values of the rows',
    of: ({ uncentred }) => entropyRank(uncentred.map(Math.sqrt)),
  },
  {
    name: 'variance_entropy_rank',
    title: 'entropy rank of the variance',
    formula: 'exp H(c / sum c)',
    of: ({ c }) => entropyRank(c),
  },
  {
    name: 'stable_rank_centred',
    title: 'stable rank, centred',
    formula: 'sum c / max c',
    of: ({ c }) => sum(c) / c[0]!,
  },
  {
    name: 'stable_rank_uncentred',
    title: 'stable rank, uncentred',
    formula: '||W||_F^2 / ||W||_2^2, W the rows',
    of: ({ uncentred }) => sum(uncentred) / uncentred[0]!,
  },
  {
    name: 'decay_alpha',
    title: 'alpha of the decay',
    formula: 'minus the slope of ln c against ln rank, ranks ceil(d / 50) to floor(d / 2)',
    of: ({ c }) => decay(c, Math.ceil(c.length / 50), Math.floor(c.length / 2)),
  },
  {
    name: 'marchenko_pastur_lower',
    title: 'Marchenko-Pastur edge, lower',
    formula: '(1 - sqrt(d / V))^2 tr C / d',
    of: ({ c, rows }) => (1 - Math.sqrt(c.length / rows)) ** 2 * (sum(c) / c.length),
  },
  {
    name: 'marchenko_pastur_upper',
    title: 'Marchenko-Pastur edge, upper',
    formula: '(1 + sqrt(d / V))^2 tr C / d',
    of: upperEdge,
  },
  {
    name: 'directions_above_edge',
    title: 'directions above the upper edge',
    formula: 'number of c_j > (1 + sqrt(d / V))^2 tr C / d',
    of: (known) => known.c.filter((value) => value > upperEdge(known)).length,
  },
  {
    name: 'outlier_coordinate_ratio',
    title: 'largest outlier coordinate',
    formula: 'max_k sd_k / median sd, sd_k^2 = C_kk',
    of: ({ deviations }) => deviations.reduce((a, b) => Math.max(a, b)) / medianOf(deviations),
  },
] as const satisfies readonly SpectralFigure[];

/** Name of one of spectralFigures. */
export type SpectralFigureName = (typeof spectralFigures)[number]['name'];

/** Figures of a spectrum, by their names; null where they are not known or not defined. */
export type SpectralFigures = Record<string, number | null>;

/**
 * Computes the figures of a spectrum.
 *
 * @returns null for all of them where the eigenvectors are not those of the checkpoint's own covariance, of which the figures are
 */
export function spectralFiguresOf(source: SpectralSource): SpectralFigures {
  const known = knownSpectrum(source);
  return Object.fromEntries(
    spectralFigures.map(({ name, of }) => {
      const value = known === null ? Number.NaN : of(known);
      return [name, Number.isFinite(value) ? value : null];
    }),
  );
}

function knownSpectrum(source: SpectralSource): KnownSpectrum | null {
  const { covarianceEigenvalues, projected, means, eigenvectors, rows } = source;
  if (covarianceEigenvalues === null || projected !== null) return null;
  const c = covarianceEigenvalues.map((value) => Math.max(0, value));
  const d = c.length;
  const variances = new Float64Array(d);
  for (let k = 0; k < d * d; k++) variances[Math.floor(k / d)]! += c[k % d]! * eigenvectors[k]! ** 2;
  return {
    rows,
    c,
    uncentred: rankOneUpdate(c.toReversed(), means.toReversed())
      .reverse()
      .map((value) => Math.max(0, value)),
    deviations: variances.map(Math.sqrt),
  };
}

function upperEdge({ c, rows }: KnownSpectrum): number {
  return (1 + Math.sqrt(c.length / rows)) ** 2 * (sum(c) / c.length);
}

/** exp H of values as shares of their sum: how many there seem to be. */
function entropyRank(values: Float64Array): number {
  const whole = sum(values);
  const terms = values.map((value) => (value === 0 ? 0 : (value / whole) * Math.log(value / whole)));
  return Math.exp(-sum(terms));
}

/** Minus the slope of ln c against ln rank, by least squares. @param first rank, from 1 */
function decay(c: Float64Array, first: number, last: number): number {
  const ranks = Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => first + k);
  const points = ranks.map((rank) => [Math.log(rank), Math.log(c[rank - 1]!)] as const);
  const mean = (axis: 0 | 1) => points.reduce((total, point) => total + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((total, point) => total + (point[0] - x) * (point[1] - y), 0);
  const variance = points.reduce((total, point) => total + (point[0] - x) ** 2, 0);
  // A flat spectrum decays by 0, not by -0.
  return 0 - covariance / variance;
}

function medianOf(values: Float64Array): number {
  const sorted = values.toSorted();
  const d = sorted.length;
  return (sorted[(d - 1) >> 1]! + sorted[d >> 1]!) / 2;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
