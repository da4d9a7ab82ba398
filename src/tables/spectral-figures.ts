import { rankOneUpdate } from '../linalg/eigh/rank-one-update.js';
import { matrixTimesColumn } from '../linalg/matrix-times-column.js';
import { spectralDiagonal } from '../linalg/spectral-diagonal.js';
import type { SecondMoment } from '../plan/second-moment.js';
import type { MergedTables } from './merged-tables.js';
import { participationRatio, type SpectrumSource } from './spectrum.js';

/** Times the median deviation that makes a coordinate an outlier. */
const OUTLYING = 3;

/** What the figures of a run's spectrum are taken from beside its eigenvalues. */
export interface SpectralSource extends SpectrumSource {
  /** V */
  rows: number;
  /** m_j, the means of the columns of the projections, [d]. */
  means: Float64Array;
  /** float32 [d, d] row-major, column j belongs to lambda_j. */
  eigenvectors: Float32Array;
  /** What the eigenvalues are of: the covariance, or the second moment about zero. */
  secondMoment: SecondMoment;
  /** Whether rows have weights of their own. */
  isWeighted: boolean;
  /** What the tables have summed up of the rows themselves; null where there are none. */
  rowSums: RowSumsOfTables | null;
}

/** Sums over all rows that tables have, which tell figures of the rows themselves. */
export type RowSumsOfTables = Pick<MergedTables, 'rows' | 'zeroRows' | 'cosineSums' | 'exponentials'>;

/** The spectrum of a checkpoint's own covariance. Arrays are [d]. */
interface KnownSpectrum {
  /** V; NaN where rows have weights of their own, for which no edge is known. */
  rows: number;
  /** Eigenvalues c of C, falling; what rounding leaves below zero is zero. NaN where the mean drowns them. */
  c: Float64Array;
  /** Eigenvalues of C + mu mu^T, the uncentred second moment, falling. */
  uncentred: Float64Array;
  /** Standard deviation of each coordinate of the rows. NaN where the mean drowns them. */
  deviations: Float64Array;
}

/** One figure of a spectrum, by its exact name. */
export interface SpectralFigure {
  /** Name in the manifest, and of the column of summary.parquet. */
  name: string;
  /** For a person. */
  title: string;
  formula: string;
  /** Figure of the spectrum, NaN where it is not defined. */
  of?(known: KnownSpectrum): number;
  /** Figure of the rows themselves, whatever their weights, NaN where it is not defined. */
  ofRows?(sums: RowSumsOfTables): number;
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
    of: (known) => {
      const edge = upperEdge(known);
      return Number.isNaN(edge) ? edge : known.c.filter((value) => value > edge).length;
    },
  },
  {
    name: 'outlier_coordinate_ratio',
    title: 'largest outlier coordinate',
    formula: 'max_k sd_k / median sd, sd_k^2 = C_kk',
    of: ({ deviations }) => deviations.reduce((a, b) => Math.max(a, b)) / medianOf(deviations),
  },
  {
    name: 'outlier_coordinates',
    title: 'outlier coordinates',
    formula: 'number of k with sd_k > 3 median sd',
    of: ({ deviations }) => {
      const least = OUTLYING * medianOf(deviations);
      return Number.isNaN(least) ? least : deviations.filter((deviation) => deviation > least).length;
    },
  },
  {
    name: 'mean_pair_cosine',
    title: 'mean cosine of all pairs of rows',
    formula: '(||sum_i u_i||^2 - V) / (V (V - 1)), u_i = gamma_i / ||gamma_i||',
    ofRows: ({ rows, zeroRows, cosineSums }) => {
      const count = rows - zeroRows;
      return (sum(cosineSums.map((value) => value * value)) - count) / (count * (count - 1));
    },
  },
  {
    name: 'partition_isotropy',
    title: 'partition isotropy I(W)',
    formula: 'min Z / max Z, Z = sum_i exp(+-gamma_i . a), a the eigenvectors of W^T W',
    ofRows: ({ exponentials }) => {
      if (exponentials === null) return Number.NaN;
      const least = exponentials.reduce((a, b) => Math.min(a, b));
      return Math.exp(least - exponentials.reduce((a, b) => Math.max(a, b)));
    },
  },
] as const satisfies readonly SpectralFigure[];

/** Name of one of spectralFigures. */
export type SpectralFigureName = (typeof spectralFigures)[number]['name'];

/** Figures of a spectrum, by their names; null where they are not known or not defined. */
export type SpectralFigures = Record<string, number | null>;

/**
 * Computes the figures of a spectrum.
 *
 * @returns null for those of the spectrum where the eigenvectors are not those of the checkpoint's own covariance, or second
 *   moment, and for those of the rows where there are no tables
 */
export function spectralFiguresOf(source: SpectralSource): SpectralFigures {
  const known = knownSpectrum(source);
  return Object.fromEntries(
    spectralFigures.map((figure: SpectralFigure) => {
      const ofSpectrum = known === null ? undefined : figure.of?.(known);
      const ofRows = source.rowSums === null ? undefined : figure.ofRows?.(source.rowSums);
      return [figure.name, knownFigure(ofSpectrum ?? ofRows)];
    }),
  );
}

/** Puts the figures that only tables tell in the place of those that were not known. */
export function withFiguresOfRows(figures: SpectralFigures, sums: RowSumsOfTables): SpectralFigures {
  const told = spectralFigures.flatMap((figure: SpectralFigure) =>
    figure.ofRows === undefined ? [] : [[figure.name, knownFigure(figure.ofRows(sums))] as const],
  );
  return { ...figures, ...Object.fromEntries(told) };
}

function knownFigure(value = Number.NaN): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Names of the figures that only tables tell. */
export const figuresOfRows: readonly string[] = spectralFigures
  .filter((figure: SpectralFigure) => figure.ofRows !== undefined)
  .map(({ name }) => name);

function knownSpectrum(source: SpectralSource): KnownSpectrum | null {
  const { covarianceEigenvalues, projected, means, eigenvectors, secondMoment, isWeighted } = source;
  const isUncentred = secondMoment === 'uncentred';
  // Variances that are measured stand for those of a metric that may be another's; of a second moment they always do.
  if (covarianceEigenvalues === null || (projected !== null && !isUncentred)) return null;
  const eigenvalues = covarianceEigenvalues.map((value) => Math.max(0, value));
  const { c, uncentred } = isUncentred ? centredOf(eigenvalues, means) : uncentredOf(eigenvalues, means);
  const rows = isWeighted ? Number.NaN : source.rows;
  const deviations = deviationsOf(eigenvalues, eigenvectors, isUncentred ? means : null);
  const least = isUncentred ? KNOWN_FROM * 2 ** -24 * sum(means.map((mean) => mean * mean)) : 0;
  const isKnown = {
    c: c[Math.max(0, (c.length >> 1) - 1)]! >= least,
    deviations: medianOf(deviations) ** 2 >= least,
  };
  return {
    rows,
    c: isKnown.c ? c : c.fill(Number.NaN),
    uncentred,
    deviations: isKnown.deviations ? deviations : deviations.fill(Number.NaN),
  };
}

/**
 * Times the rounding of ||mu||^2 from which on the middle of a spectrum is known that is left when mu mu^T is subtracted:
 * mu and the eigenvectors are those of float32, and what is far smaller than the mean is lost in it.
 */
const KNOWN_FROM = 1000;

/** The spectrum of C + mu mu^T beside that of C. @param c falling; @param means mu in the basis of C */
function uncentredOf(c: Float64Array, means: Float64Array): Pick<KnownSpectrum, 'c' | 'uncentred'> {
  return { c, uncentred: notNegative(rankOneUpdate(c.toReversed(), means.toReversed()).reverse()) };
}

/** The spectrum of C = E - mu mu^T beside that of E: minus that of -E + mu mu^T. @param uncentred falling */
function centredOf(uncentred: Float64Array, means: Float64Array): Pick<KnownSpectrum, 'c' | 'uncentred'> {
  const c = rankOneUpdate(
    uncentred.map((value) => -value),
    means,
  ).map((value) => -value);
  return { c: notNegative(c), uncentred };
}

/** What rounding leaves below zero is zero. */
function notNegative(values: Float64Array): Float64Array {
  return values.map((value) => Math.max(0, value));
}

/** Standard deviations of the coordinates. @param means mu in the basis where the eigenvalues are second moments, else null */
function deviationsOf(
  eigenvalues: Float64Array,
  eigenvectors: Float32Array,
  means: Float64Array | null,
): Float64Array {
  const moments = spectralDiagonal(eigenvectors, eigenvalues);
  const mu = means === null ? null : matrixTimesColumn(eigenvectors, means);
  return notNegative(mu === null ? moments : moments.map((value, k) => value - mu[k]! ** 2)).map(Math.sqrt);
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
