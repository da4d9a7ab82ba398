import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { blocksOf } from '../src/linalg/kernels/table-kernels.js';
import { type RowRange, splitRows } from '../src/plan/row-ranges.js';
import { ARCSINE_POLYNOMIAL, NOTICED_SQUARE } from '../src/tables/arcsine.js';
import { extremeLists, LISTS } from '../src/tables/extremes.js';
import { FINE_BINS, fineGrid, shiftBetween } from '../src/tables/fine-grid.js';
import type { TablePart, TableSettings, TokenPart } from '../src/tables/part.js';
import type { ZBins } from '../src/tables/z-bins.js';
import { tableKernels as kernels } from './context.js';
import { endIfInterrupted } from './interruption.js';

/** Columns that go through all kernels together: they stay in the cache meanwhile. */
const BLOCK_COLUMNS = 8;

/** Sums of a column, as `ColumnPart` orders them: 4 of moments, 3 for the angles of each metric. */
const SUMS = 10;
/** Of alignment: 5 thresholds in each metric. */
const ALIGNED = 10;

/** Bytes of the regions that `measureTables` works in, next to those of the verification; without tables none. */
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
    // Of p, of the Euclidean and of the causal cosine, each for both sides.
    blockMaxima: LISTS * blocksOf(rows.count) * 4 * on,
    ranking: blocksOf(rows.count) * 4 * on,
    polynomial: 8 * 4 * on,
    columnSums: perColumn * 2 * SUMS,
    aligned: perColumn * ALIGNED,
    fineCounts: perColumn * FINE_BINS,
    histogram: perColumn * bins.bins,
    extremeKeys: perColumn * 2 * LISTS * top,
    extremeRows: perColumn * LISTS * top,
  };
}

type TableRegions = Record<keyof ReturnType<typeof tableSizes>, Region>;

/** What the verification has measured of the same rows, float64 [rows]: ||gamma||^2, ||p||^2, sum lambda p^2. */
type RowRegions = Record<'gammaSquares' | 'squares' | 'causal' | 'lambda', Region>;

/** A whole partition in kernel memory, by columns: p_ij, float32, lies at offset + j * columnStride + 4 i. */
export interface PartitionColumns {
  offset: number;
  columnStride: number;
  /** Of each column, [d]. */
  minima: Float64Array;
  maxima: Float64Array;
}

/** The part of one partition in every table. */
export function measureTables(
  rows: RowRange,
  columns: PartitionColumns,
  settings: TableSettings,
  regions: TableRegions & RowRegions,
): TablePart {
  const d = columns.minima.length;
  const zeroRows = prepare(rows, settings, regions);
  const padding = (4 - (rows.count % 4)) % 4;
  const measures = measuresOf(regions);
  // From the last to the first: see foldDirections.
  for (const { first, count } of splitRows(d, BLOCK_COLUMNS).reverse()) {
    endIfInterrupted();
    const src = columns.offset + first * columns.columnStride;
    foldRows(src, rows, first, count, columns.columnStride, settings, regions);
    for (let j = first; j < first + count; j++) {
      kernels.loadColumn(columns.offset + j * columns.columnStride, rows.count, regions.column.offset);
      measureColumn(j, rows.count, measures, padding + zeroRows, columns, settings, regions);
    }
  }
  const tokens = regions.extremeRows.int32.map((row) => (row < 0 ? row : rows.first + row));
  return {
    zeroRows,
    minima: columns.minima,
    maxima: columns.maxima,
    tokens: tokenPart(rows, settings, regions),
    columnSums: regions.columnSums.float64.slice(),
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

/** Norms and their float32 inverses, 0 for a row of zeros and behind the last row. */
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

function foldRows(
  src: number,
  rows: RowRange,
  first: number,
  count: number,
  columnStride: number,
  { places }: TableSettings,
  regions: TableRegions & RowRegions,
): void {
  kernels.foldTokens(
    src,
    rows.count,
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
    rows.count,
    count,
    columnStride,
    first,
    regions.roots.offset + first * 8,
    places,
    regions.thresholds.offset,
    regions.directionValues.offset,
    regions.directionColumns.offset,
  );
}

/** Pointers of one measure, the key of two lists: of the projection itself, of the Euclidean or the causal cosine. */
interface Measure {
  /** Whether its keys are of z, not of p. */
  isCausal: boolean;
  norms: number;
  inverses: number;
  values: number;
}

/** In the order of the lists of extremes. */
function measuresOf(regions: TableRegions): [projection: Measure, euclidean: Measure, causal: Measure] {
  const { column, ones, norms, inverses, cosines, causalNorms, causalInverses, causalCosines } = regions;
  const measure = (isCausal: boolean, norms: Region, inverses: Region, values: Region) => ({
    isCausal,
    norms: norms.offset,
    inverses: inverses.offset,
    values: values.offset,
  });
  return [
    measure(false, ones, ones, column),
    measure(false, norms, inverses, cosines),
    measure(true, causalNorms, causalInverses, causalCosines),
  ];
}

/**
 * Everything about the column that has been loaded, which is column j.
 * @param excluded rows that are in the blocks' maxima though they do not count
 */
function measureColumn(
  j: number,
  rows: number,
  measures: readonly Measure[],
  excluded: number,
  { minima, maxima }: PartitionColumns,
  { means, bins, top, floors }: TableSettings,
  regions: TableRegions,
): void {
  const column = regions.column.offset;
  const root = regions.roots.float64[j]!;
  const sums = regions.columnSums.offset + j * SUMS * 8;
  const aligned = regions.aligned.offset + j * ALIGNED * 4;
  const blockMaxima = regions.blockMaxima.offset;
  const sideBytes = blocksOf(rows) * 4;

  kernels.measureMoments(column, rows, means[j]!, sums, blockMaxima);
  countColumn(j, rows, root * minima[j]!, root * maxima[j]!, bins, regions);
  for (let metric = 0; metric < 2; metric++) {
    const { isCausal, norms, inverses, values } = measures[metric + 1]!;
    kernels.measureAngles(
      column,
      rows,
      isCausal ? root : 1,
      norms,
      inverses,
      values,
      regions.polynomial.offset,
      sums + (4 + metric * 3) * 8,
      aligned + metric * (ALIGNED / 2) * 4,
      blockMaxima + (2 + 2 * metric) * sideBytes,
    );
  }
  for (let list = 0; list < LISTS; list++) {
    const { isCausal, norms, values } = measures[list >> 1]!;
    const at = (j * LISTS + list) * top;
    kernels.selectExtremes(
      values,
      column,
      rows,
      extremeLists[list]!.side === '+' ? 1 : -1,
      isCausal ? root : 1,
      norms,
      blockMaxima + list * sideBytes,
      excluded,
      floors[j * LISTS + list]!,
      top,
      regions.extremeKeys.offset + at * 8,
      regions.extremeRows.offset + at * 4,
      regions.ranking.offset,
    );
  }
}

/**
 * The fine histogram of z_j, and that of the table: its sums, or, where the fine one is the coarser, counted.
 * @param lowest of z_j; @param highest of z_j
 */
function countColumn(
  j: number,
  rows: number,
  lowest: number,
  highest: number,
  bins: ZBins,
  { column, roots, fineCounts, histogram }: TableRegions,
): void {
  const root = roots.float64[j]!;
  const { exponent, origin, used } = fineGrid(lowest, highest);
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

/** Closes the sums of every row. NaN stands for what a row of zeros has not. */
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

/** The buffers of a part, which change hands instead of being copied. */
export function buffersOf({ tokens, extremes, ...columns }: TablePart): ArrayBuffer[] {
  return [tokens, extremes, columns]
    .flatMap((arrays) => Object.values(arrays))
    .filter(ArrayBuffer.isView)
    .map(({ buffer }) => buffer as ArrayBuffer);
}
