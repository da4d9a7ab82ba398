import type { Region } from '../src/linalg/kernel-memory.js';
import { groupsOf } from '../src/linalg/table-kernels.js';
import { type RowRange, splitRows } from '../src/plan.js';
import { extremeLists, LISTS } from '../src/tables/extremes.js';
import { FINE_BINS, fineGrid } from '../src/tables/fine-grid.js';
import { tableKernels as kernels } from './context.js';
import { endIfInterrupted } from './interruption.js';
import type { TablePart, TableSettings, TokenPart } from './messages.js';

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
    inverses: padded * 8 * on,
    causalNorms: padded * 8 * on,
    causalInverses: padded * 8 * on,
    column: padded * 4 * on,
    // Of p, of the Euclidean and of the causal cosine, each for both sides.
    groupMaxima: LISTS * groupsOf(rows.count) * 4 * on,
    ranking: groupsOf(rows.count) * 4 * on,
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
  for (const { first, count } of splitRows(d, BLOCK_COLUMNS)) {
    endIfInterrupted();
    const src = columns.offset + first * columns.columnStride;
    foldRows(src, rows, first, count, columns.columnStride, settings, regions);
    for (let j = first; j < first + count; j++) {
      kernels.loadColumn(columns.offset + j * columns.columnStride, rows.count, regions.column.offset);
      measureColumn(j, rows, zeroRows, columns, settings, regions);
    }
  }
  const tokens = regions.extremeRows.int32.map((row) => (row < 0 ? row : rows.first + row));
  return {
    zeroRows,
    tokens: tokenPart(rows, settings, regions),
    columnSums: regions.columnSums.float64.slice(),
    aligned: regions.aligned.uint32.slice(),
    fineCounts: regions.fineCounts.uint32.slice(),
    histogram: regions.histogram.uint32.slice(),
    extremes: { keys: regions.extremeKeys.float64.slice(), tokens },
  };
}

/** Fills constants, clears sums; returns the number of rows of zeros, which have no direction. */
function prepare(rows: RowRange, { means }: TableSettings, regions: TableRegions & RowRegions): number {
  const { centred, causalCentred, centroid, causalCentroid, fourth, columnSums } = regions;
  for (const region of [centred, causalCentred, centroid, causalCentroid, fourth, columnSums]) {
    region.float64.fill(0);
  }
  for (const region of [regions.aligned, regions.fineCounts, regions.histogram]) region.uint32.fill(0);
  regions.thresholds.float32.fill(-1);
  regions.directionColumns.int32.fill(-1);
  regions.means.float64.set(means);
  regions.roots.float64.set(regions.lambda.float64.map(Math.sqrt));
  regions.ones.float64.fill(1);
  invert(rows.count, regions.squares, regions.norms, regions.inverses);
  invert(rows.count, regions.causal, regions.causalNorms, regions.causalInverses);
  return regions.norms.float64.subarray(0, rows.count).reduce((sum, norm) => sum + (norm === 0 ? 1 : 0), 0);
}

/** Norms and their inverses, 0 for a row of zeros and behind the last row. */
function invert(count: number, squares: Region, norms: Region, inverses: Region): void {
  norms.float64.fill(0);
  inverses.float64.fill(0);
  for (let i = 0; i < count; i++) {
    const norm = Math.sqrt(squares.float64[i]!);
    norms.float64[i] = norm;
    inverses.float64[i] = norm === 0 ? 0 : 1 / norm;
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

/** Everything about the column that has been loaded, which is column j. */
function measureColumn(
  j: number,
  rows: RowRange,
  zeroRows: number,
  { minima, maxima }: PartitionColumns,
  { means, bins, top }: TableSettings,
  regions: TableRegions,
): void {
  const { norms, inverses, causalNorms, causalInverses, ones } = regions;
  const column = regions.column.offset;
  const root = regions.roots.float64[j]!;
  const sums = regions.columnSums.offset + j * SUMS * 8;
  const aligned = regions.aligned.offset + j * ALIGNED * 4;
  const sideBytes = groupsOf(rows.count) * 4;
  const groups = (list: number) => regions.groupMaxima.offset + list * sideBytes;

  kernels.measureMoments(column, rows.count, means[j]!, sums, groups(0));
  const { exponent, origin } = fineGrid(minima[j]!, maxima[j]!);
  const fine = regions.fineCounts.offset + j * FINE_BINS * 4;
  kernels.countBins(column, rows.count, 2 ** -exponent, origin, FINE_BINS, fine);
  const perUnit = bins.bins / (bins.upper - bins.lower);
  const histogram = regions.histogram.offset + j * bins.bins * 4;
  kernels.countBins(column, rows.count, root * perUnit, bins.lower * perUnit, bins.bins, histogram);

  const metrics = [
    { weight: 1, norms, inverses },
    { weight: root, norms: causalNorms, inverses: causalInverses },
  ];
  for (const [metric, { weight, norms, inverses }] of metrics.entries()) {
    const angleSums = sums + (4 + metric * 3) * 8;
    const counts = aligned + metric * (ALIGNED / 2) * 4;
    const maximaOf = groups(2 + 2 * metric);
    kernels.measureAngles(
      column,
      rows.count,
      weight,
      norms.offset,
      inverses.offset,
      angleSums,
      counts,
      maximaOf,
    );
  }

  // Rows that are in the groups' maxima though they do not count: those behind the last one, and those of zeros.
  const padding = (4 - (rows.count % 4)) % 4;
  const keys = [{ weight: 1, norms: ones, inverses: ones }, ...metrics];
  for (const [list, { side }] of extremeLists.entries()) {
    const { weight, norms, inverses } = keys[list >> 1]!;
    const at = (j * LISTS + list) * top;
    kernels.selectExtremes(
      column,
      rows.count,
      side === '+' ? weight : -weight,
      norms.offset,
      inverses.offset,
      groups(list),
      padding + zeroRows,
      top,
      regions.extremeKeys.offset + at * 8,
      regions.extremeRows.offset + at * 4,
      regions.ranking.offset,
    );
  }
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
