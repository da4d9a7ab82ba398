import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { maximaBytes, selectionBytes } from '../src/linalg/kernels/table-kernels.js';
import { type RowRange, splitRows } from '../src/plan/row-ranges.js';
import { ARCSINE_POLYNOMIAL, NOTICED_SQUARE } from '../src/tables/arcsine.js';
import { logSumsOfExponentials } from '../src/tables/exponential-sums.js';
import { extremeLists, LISTS, listOf } from '../src/tables/extremes.js';
import { FINE_BINS, fineGrid, shiftBetween } from '../src/tables/fine-grid.js';
import type { Measure } from '../src/tables/measures.js';
import {
  ANGLE_SUMS,
  alignments,
  angleMetrics,
  COLUMN_ALIGNMENTS,
  COLUMN_SUMS,
  MOMENT_SUMS,
  type TablePart,
  type TableSettings,
  type TokenPart,
} from '../src/tables/part.js';
import { tableKernels as kernels, kernels as rowKernels } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { rowsReport } from './rows-report.js';

/** Columns that go through all kernels together: they stay in the cache meanwhile. */
const BLOCK_COLUMNS = 8;

/** Bytes of the regions that `measureTables` works in, beside those of the verification; without tables none. */
export function tableSizes(rows: RowRange, d: number, settings: TableSettings | null) {
  const on = settings === null ? 0 : 1;
  const perRow = rows.count * 8 * on;
  // Kernels read rows by fours.
  const padded = Math.ceil(rows.count / 4) * 4;
  const perColumn = d * 4 * on;
  const { top, places, bins } = settings ?? { top: 0, places: 0, bins: { bins: 0 } };
  return {
    means: perColumn * 2,
    roots: perColumn * 2,
    centred: perRow,
    causalCentred: perRow,
    centroid: perRow,
    causalCentroid: perRow,
    fourth: perRow,
    thresholds: padded * 4 * on,
    directionValues: perRow * places,
    directionColumns: (perRow / 2) * places,
    ones: padded * 8 * on,
    norms: padded * 8 * on,
    inverses: padded * 4 * on,
    causalNorms: padded * 8 * on,
    causalInverses: padded * 4 * on,
    column: padded * 4 * on,
    cosines: padded * 4 * on,
    causalCosines: padded * 4 * on,
    blockMaxima: LISTS * maximaBytes(rows.count) * on,
    // Behind columns and maxima, which are read beyond their ends.
    candidates: selectionBytes(rows.count) * on,
    polynomial: 8 * 4 * on,
    columnSums: perColumn * 2 * COLUMN_SUMS,
    lanes: COSINE_LANES * 8 * on,
    aligned: perColumn * COLUMN_ALIGNMENTS,
    fineCounts: perColumn * FINE_BINS,
    histogram: perColumn * bins.bins,
    extremeKeys: perColumn * 2 * LISTS * top,
    extremeRows: perColumn * LISTS * top,
  };
}

type TableRegions = Record<keyof ReturnType<typeof tableSizes>, Region>;

/** Regions that the verification has filled: ||gamma||^2, ||p||^2, sum lambda p^2, float64 [rows]; lambda [d]. */
type RowRegions = Record<'gammaSquares' | 'squares' | 'causal' | 'lambda', Region>;

/** Whole partition in kernel memory, by columns: p_ij, float32, lies at offset + j * columnStride + 4 i. */
export interface PartitionColumns {
  offset: number;
  columnStride: number;
  /** Smallest p of each column, [d]. */
  minima: Float64Array;
  /** Largest p of each column, [d]. */
  maxima: Float64Array;
}

/** Partition under measurement, with all that its columns are measured with. */
interface Work {
  /** Number of rows. */
  rows: number;
  columns: PartitionColumns;
  settings: TableSettings;
  regions: TableRegions & RowRegions;
  pointers: Readonly<Record<Measure, Pointers>>;
  /** Weights of the rows, [rows]; undefined where all are alike. */
  weights: Float64Array | undefined;
  /** As in TablePart. */
  cosineSums: Float64Array;
  exponentials: Float64Array | null;
}

/** A partition in kernel memory, and the weights of its rows, where they have some. */
export interface WeighedColumns extends PartitionColumns {
  /** [rows] */
  weights?: Float64Array | undefined;
}

/** Measures the part of one partition in every table. */
export function measureTables(
  rows: RowRange,
  columns: WeighedColumns,
  settings: TableSettings,
  regions: TableRegions & RowRegions,
): TablePart {
  const d = columns.minima.length;
  const zeroRows = prepare(rows, settings, regions);
  const work: Work = {
    rows: rows.count,
    columns,
    settings,
    regions,
    pointers: pointersOf(regions),
    weights: columns.weights,
    cosineSums: new Float64Array(d),
    exponentials: settings.hasExponentials ? new Float64Array(2 * d) : null,
  };
  // From the last to the first: see foldDirections.
  for (const { first, count } of splitRows(d, BLOCK_COLUMNS).reverse()) {
    endIfInterrupted();
    foldRows(work, first, count);
    for (let j = first; j < first + count; j++) measureColumn(work, j);
    rowsReport.advance((rows.count * count) / d);
  }
  const tokens = regions.extremeRows.int32.slice();
  for (let k = 0; k < tokens.length; k++) if (tokens[k]! >= 0) tokens[k]! += rows.first;
  return {
    zeroRows,
    minima: columns.minima,
    maxima: columns.maxima,
    tokens: tokenPart(rows, settings, regions),
    columnSums: regions.columnSums.float64.slice(),
    cosineSums: work.cosineSums,
    ...(work.exponentials === null ? {} : { exponentials: work.exponentials }),
    aligned: regions.aligned.int32.slice(),
    fineCounts: regions.fineCounts.int32.slice(),
    histogram: regions.histogram.int32.slice(),
    extremes: { keys: regions.extremeKeys.float64.slice(), tokens },
  };
}

/** Fills constants, clears sums; returns the number of rows of zeros, which have no direction. */
function prepare(rows: RowRange, { means }: TableSettings, regions: TableRegions & RowRegions): number {
  const { centred, causalCentred, centroid, causalCentroid, fourth, columnSums } = regions;
  for (const region of [centred, causalCentred, centroid, causalCentroid, fourth, columnSums]) {
    region.float64.fill(0);
  }
  for (const region of [regions.aligned, regions.fineCounts, regions.histogram]) region.int32.fill(0);
  regions.thresholds.float32.fill(-1);
  regions.directionColumns.int32.fill(-1);
  regions.means.float64.set(means);
  regions.roots.float64.set(regions.lambda.float64.map(Math.sqrt));
  regions.ones.float64.fill(1);
  regions.polynomial.float32.set([...ARCSINE_POLYNOMIAL, NOTICED_SQUARE]);
  invert(rows.count, regions.squares, regions.norms, regions.inverses);
  invert(rows.count, regions.causal, regions.causalNorms, regions.causalInverses);
  return regions.norms.float64.subarray(0, rows.count).reduce((sum, norm) => sum + (norm === 0 ? 1 : 0), 0);
}

/** Puts norms and their float32 inverses in regions, 0 for a row of zeros and behind the last row. */
function invert(count: number, squares: Region, norms: Region, inverses: Region): void {
  norms.float64.fill(0);
  inverses.float32.fill(0);
  for (let i = 0; i < count; i++) {
    const norm = Math.sqrt(squares.float64[i]!);
    norms.float64[i] = norm;
    if (norm === 0) continue;
    // Beyond these, which no model comes near, the kernel must not trust its float32 products.
    inverses.float32[i] = norm > 2 ** -60 && norm < 2 ** 60 ? 1 / norm : Number.NaN;
  }
}

/** Folds `count` columns from `first` on into the sums and the directions of every row. */
function foldRows({ rows, columns, settings, regions }: Work, first: number, count: number): void {
  const { columnStride } = columns;
  const src = columns.offset + first * columnStride;
  kernels.foldTokens(
    src,
    rows,
    count,
    columnStride,
    regions.means.offset + first * 8,
    regions.lambda.offset + first * 8,
    regions.centred.offset,
    regions.causalCentred.offset,
    regions.centroid.offset,
    regions.causalCentroid.offset,
    regions.fourth.offset,
  );
  kernels.foldDirections(
    src,
    rows,
    count,
    columnStride,
    first,
    regions.roots.offset + first * 8,
    settings.places,
    regions.thresholds.offset,
    regions.directionValues.offset,
    regions.directionColumns.offset,
  );
}

/** Pointers of one measure, which is the key of two lists of extremes. */
interface Pointers {
  /** Whether its keys are of z, not of p. */
  isCausal: boolean;
  norms: number;
  inverses: number;
  values: number;
}

function pointersOf(regions: TableRegions): Record<Measure, Pointers> {
  const { column, ones, norms, inverses, cosines, causalNorms, causalInverses, causalCosines } = regions;
  const pointers = (isCausal: boolean, norms: Region, inverses: Region, values: Region): Pointers => ({
    isCausal,
    norms: norms.offset,
    inverses: inverses.offset,
    values: values.offset,
  });
  return {
    projection: pointers(false, ones, ones, column),
    euclidean_cosine: pointers(false, norms, inverses, cosines),
    causal_cosine: pointers(true, causalNorms, causalInverses, causalCosines),
  };
}

/** Measures everything about column j: its moments, histograms, angles and extremes. */
function measureColumn(work: Work, j: number): void {
  const { rows, columns, settings, regions } = work;
  const column = regions.column.offset;
  const sums = regions.columnSums.offset + j * COLUMN_SUMS * 8;
  kernels.loadColumn(columns.offset + j * columns.columnStride, rows, column);
  // The largest values of every block of rows: a list after the other.
  kernels.measureMoments(column, rows, settings.means[j]!, sums, regions.blockMaxima.offset);
  if (work.weights !== undefined) weighMoments(work, j, work.weights);
  if (work.exponentials !== null) {
    const ends = { minimum: columns.minima[j]!, maximum: columns.maxima[j]! };
    work.exponentials.set(logSumsOfExponentials(regions.column.float32, rows, ends), 2 * j);
  }
  countColumn(work, j);
  for (let metric = 0; metric < angleMetrics.length; metric++) measureAngles(work, j, metric);
  work.cosineSums[j] = sumCosines(work);
  for (let list = 0; list < LISTS; list++) selectExtremes(work, j, list);
}

/** Puts the power sums of q = p - m of the loaded column j by the rows' weights in the place of those without. */
function weighMoments({ rows, settings, regions }: Work, j: number, weights: Float64Array): void {
  const column = regions.column.float32;
  const mean = settings.means[j]!;
  let [s1, s2, s3, s4] = [0, 0, 0, 0];
  for (let i = 0; i < rows; i++) {
    const q = column[i]! - mean;
    const weighed = weights[i]! * q;
    const square = q * q;
    s1 += weighed;
    s2 += weighed * q;
    s3 += weighed * square;
    s4 += weighed * square * q;
  }
  regions.columnSums.float64.set([s1, s2, s3, s4], j * COLUMN_SUMS);
}

/** Numbers that are added up beside each other, as columns of a matrix. */
const COSINE_LANES = 8;

/** Sum of the Euclidean cosines that `measureAngles` has left of a column. */
function sumCosines({ rows, regions }: Work): number {
  const { lanes, cosines } = regions;
  lanes.float64.fill(0);
  const whole = Math.floor(rows / COSINE_LANES);
  rowKernels.addColumnSums(cosines.offset, whole, COSINE_LANES, lanes.offset);
  let sum = lanes.float64.reduce((total, lane) => total + lane, 0);
  for (let i = whole * COSINE_LANES; i < rows; i++) sum += cosines.float32[i]!;
  return sum;
}

/** Adds the angles of the loaded column j in one metric. */
function measureAngles({ rows, regions, pointers }: Work, j: number, metric: number): void {
  const measure = `${angleMetrics[metric]!}_cosine` as const;
  const { isCausal, norms, inverses, values } = pointers[measure];
  const firstSum = j * COLUMN_SUMS + MOMENT_SUMS + metric * ANGLE_SUMS;
  const firstAligned = j * COLUMN_ALIGNMENTS + metric * alignments.length;
  kernels.measureAngles(
    regions.column.offset,
    rows,
    isCausal ? regions.roots.float64[j]! : 1,
    norms,
    inverses,
    values,
    regions.polynomial.offset,
    regions.columnSums.offset + firstSum * 8,
    regions.aligned.offset + firstAligned * 4,
    regions.blockMaxima.offset + listOf(measure, '+') * maximaBytes(rows),
  );
}

/** Selects the best tokens of the loaded column j for one list. */
function selectExtremes(work: Work, j: number, list: number): void {
  const { rows, settings, regions, pointers } = work;
  const { top } = settings;
  const { measure, side } = extremeLists[list]!;
  const { isCausal, norms, values } = pointers[measure];
  const index = j * LISTS + list;
  kernels.selectExtremes(
    values,
    regions.column.offset,
    rows,
    side === '+' ? 1 : -1,
    isCausal ? regions.roots.float64[j]! : 1,
    norms,
    regions.blockMaxima.offset + list * maximaBytes(rows),
    top,
    regions.extremeKeys.offset + index * top * 8,
    regions.extremeRows.offset + index * top * 4,
    regions.candidates.offset,
  );
}

/** Fills the fine histogram of z_j, and that of the table: its sums, or, where the fine one is the coarser, counted. */
function countColumn({ rows, columns, settings: { bins }, regions }: Work, j: number): void {
  const { column, roots, fineCounts, histogram } = regions;
  const root = roots.float64[j]!;
  const { exponent, origin, used } = fineGrid(root * columns.minima[j]!, root * columns.maxima[j]!);
  const fine = fineCounts.offset + j * FINE_BINS * 4;
  const target = histogram.offset + j * bins.bins * 4;
  kernels.countBins(column.offset, rows, root * 2 ** -exponent, origin, FINE_BINS, fine);
  const perUnit = 2 ** -bins.exponent;
  const first = bins.lower * perUnit;
  if (exponent <= bins.exponent) {
    const shift = shiftBetween(exponent, bins.exponent);
    kernels.sumBins(fine, used, origin, shift, first, bins.bins, target);
  } else kernels.countBins(column.offset, rows, root * perUnit, first, bins.bins, target);
}

/** Closes the sums of every row; NaN stands for what a row of zeros has not. */
function tokenPart(
  rows: RowRange,
  { centroidNorm, causalCentroidNorm }: TableSettings,
  regions: TableRegions & RowRegions,
): TokenPart {
  const { norms, causalNorms, causal, fourth, gammaSquares } = regions;
  const { centred, causalCentred, centroid, causalCentroid } = regions;
  const perRow = (value: (i: number) => number) =>
    Float64Array.from({ length: rows.count }, (_, i) => value(i));
  const norm = norms.float64.slice(0, rows.count);
  const causalNorm = causalNorms.float64.slice(0, rows.count);
  return {
    norm,
    causalNorm,
    centredNorm: centred.float64.map(Math.sqrt),
    causalCentredNorm: causalCentred.float64.map(Math.sqrt),
    centroidCosine: perRow((i) => centroid.float64[i]! / (norm[i]! * centroidNorm)),
    causalCentroidCosine: perRow((i) => causalCentroid.float64[i]! / (causalNorm[i]! * causalCentroidNorm)),
    participation: perRow((i) => causal.float64[i]! ** 2 / fourth.float64[i]!),
    normError: perRow((i) => Math.abs(Math.sqrt(gammaSquares.float64[i]!) - norm[i]!)),
    directions: regions.directionColumns.int32.slice(),
    directionValues: regions.directionValues.float64.slice(),
  };
}
