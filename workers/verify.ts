import path from 'node:path';
import { bitsOf, LikeNumbers, sizeOf } from '../src/checks/like-numbers.js';
import type { Measurements, WeightSample } from '../src/checks/measurements.js';
import { PROBE_VECTORS } from '../src/checks/probe.js';
import { type RowDeviation, RowTolerances, worse } from '../src/checks/row-deviation.js';
import { repeatedShare } from '../src/checks/shared-errors.js';
import type { Tasks, VerifyInput, VerifyResult } from '../src/executor/tasks.js';
import { DirectRead } from '../src/files/direct-io.js';
import type { ParquetLayout } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import type { MomentSums } from '../src/linalg/moments.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import type { TablePart } from '../src/tables/part.js';
import type { ColumnBlock } from './column-block.js';
import { kernels, memory, tableKernels } from './context.js';
import type { Findings } from './file-digest.js';
import { measureTables, tableSizes } from './measure-tables.js';
import { blockBytes, blocksOfFormats, layoutOf, partitionAt } from './partition-blocks.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';
import { WeightedMeasure } from './weighted-measure.js';

type Regions = ReturnType<typeof allotRegions>;

/** Statistics that `foldColumns` gives of a column. */
const STATISTICS = 6;

/**
 * Re-reads one partition from disk and measures it against the checkpoint's rows, which are read again too:
 * nothing here comes from the projection stage but the bytes it wrote. Without a checkpoint the projections stand for
 * its rows, and the sums over these are 0.
 */
export async function verify(input: Tasks['verify']['input']): Promise<Tasks['verify']['result']> {
  const layout = layoutOf(input);
  const regions = allotRegions(input, layout);
  const ahead = readAhead(input, regions.block);
  try {
    return await measurePartition(input, layout, regions, ahead);
  } finally {
    // What is under way writes to memory that the next task uses.
    await ahead?.end();
  }
}

async function measurePartition(
  input: VerifyInput,
  layout: ParquetLayout | null,
  regions: Regions,
  ahead: DirectRead | null,
): Promise<VerifyResult> {
  const findings: Findings = { problems: [], files: [] };
  rowsReport.ofPasses(passesOf(input));
  const { weighing } = input;
  const weighted = weighing === undefined ? undefined : new WeightedMeasure(weighing);
  const { block, gamma } = regions;
  const weights = await measureCheckpoint(input, regions, weighted);
  const [first, second] = await blocksOfFormats(input, layout, { block, strip: gamma }, findings, ahead);
  const main = await measureProjections(input, regions, first!, { weights, weighted });
  let tables: TablePart | null = null;
  if (input.tables !== null && findings.problems.length === 0 && areFinite(main)) {
    const columns = {
      ...partitionAt(regions.block, layout, input.rows.count),
      ...main,
      weights: weighing?.weights,
    };
    tables = measureTables(input.rows, columns, input.tables, regions);
  }
  // Of two formats that hold the same, one tells.
  const other =
    second && (await measureProjections(input, regions, second, { weights, weighted: undefined }));
  if (other !== undefined && !sameColumns(main, other, input.rows.count)) {
    findings.problems.push(`${input.parquet?.path} and ${input.arrow?.path} do not hold the same columns`);
  }
  return {
    ...findings,
    rows: input.rows.count,
    gammaSums: regions.gammaSums.float64.slice(),
    gammaSquares: sum(regions.gammaSquares.float64),
    weights,
    ...main,
    ...(weighted === undefined ? {} : { weighted: weighted.measurements(regions.gammaSquares.float64) }),
    tables,
    // Two formats hold the same rows: the worse of them counts.
    ...(other === undefined ? {} : { normDifference: worse(main.normDifference, other.normDifference) }),
    ...(other === undefined ? {} : { probe: worse(main.probe, other.probe) }),
  };
}

/** Begins to read a Parquet file that the file cache does not hold. */
function readAhead({ directory, parquet, isUncached }: VerifyInput, block: Region): DirectRead | null {
  if (parquet === null || !isUncached) return null;
  return new DirectRead(path.join(directory, parquet.path), block.bytes);
}

/** Passes through the rows of a partition: of the checkpoint, of each format, and for the tables. */
function passesOf({ source, parquet, arrow, tables }: VerifyInput): number {
  return [source, parquet, arrow, tables].filter((pass) => pass !== null).length;
}

/** Measures the projections of one format, by column and beside the checkpoint's rows, for which they may stand. */
async function measureProjections(
  input: VerifyInput,
  regions: Regions,
  blocks: AsyncIterable<ColumnBlock>,
  { weights, weighted }: { weights: WeightSample; weighted: WeightedMeasure | undefined },
) {
  const columns = await foldProjections(input, regions, blocks, weighted);
  if (input.source === null) {
    regions.gammaSquares.float64.set(regions.squares.float64);
    regions.gammaFourths.float64.set(regions.fourths.float64);
    regions.gammaProbes.float64.set(regions.probes.float64);
  }
  return { ...columns, ...compareRows(input, regions, repeatedShare(weights)) };
}

function allotRegions(input: VerifyInput, layout: ParquetLayout | null) {
  const { source, rows, hidden: d } = input;
  const regions = memory.allot({
    ...(source === null
      ? { raw: 0, gamma: Math.min(STRIP_ROWS, rows.count) * d * 4 }
      : stripSizes(source, rows)),
    gammaSquares: rows.count * 8,
    gammaFourths: rows.count * 8,
    gammaProbes: PROBE_VECTORS * rows.count * 8,
    squares: rows.count * 8,
    causal: rows.count * 8,
    fourths: rows.count * 8,
    probes: PROBE_VECTORS * rows.count * 8,
    lambda: d * 8,
    probeVectors: PROBE_VECTORS * d * 8,
    probeImages: PROBE_VECTORS * d * 8,
    gammaSums: d * 8,
    statistics: d * STATISTICS * 8,
    // Kernels write rows by fours.
    weighed: input.weighing === undefined ? 0 : Math.ceil(rows.count / 4) * 16,
    // The whole partition by columns, as large as in the projection.
    block: blockBytes(input, layout),
    // Behind the block: kernels read rows by fours, beyond the last one's end.
    ...tableSizes(rows, d, input.tables),
  });
  regions.lambda.float64.set(input.eigenvalues);
  regions.probeVectors.float64.set(input.probe.vectors);
  regions.probeImages.float64.set(input.probe.images);
  return regions;
}

/** Measures ||gamma_i||^2, both gamma_i . (V r) and sum_i gamma_ij from the checkpoint, in their regions. */
async function measureCheckpoint(
  { source, rows, hidden }: VerifyInput,
  regions: Regions,
  weighted: WeightedMeasure | undefined,
): Promise<WeightSample> {
  const { gamma, gammaSums, gammaSquares, gammaFourths, gammaProbes, probeImages } = regions;
  const d = hidden;
  const zeros = () => new Float64Array(d);
  const sample = {
    differences: zeros(),
    compared: 0,
    equal: zeros(),
    opposite: zeros(),
    repeated: zeros(),
    bits: 0,
  };
  const repeated = new RepeatedWeights(d);
  gammaSums.float64.fill(0);
  if (source === null) return sample;
  await forEachStrip(source, rows, regions, ({ first, count }) => {
    const at = (first - rows.first) * 8;
    kernels.addColumnSums(gamma.offset, count, d, gammaSums.offset);
    kernels.probeRows(
      gamma.offset,
      count,
      d,
      probeImages.offset,
      gammaSquares.offset + at,
      gammaFourths.offset + at,
      gammaProbes.offset + at,
      rows.count * 8,
    );
    sampleWeights(gamma.float32, count, sample, repeated);
    weighted?.addRows(gamma.float32, first - rows.first, count);
    rowsReport.advance(count);
  });
  return sample;
}

/** Weights of a strip that are sampled about, and pairs of rows at least. */
const SAMPLED_WEIGHTS = 16_384;
const SAMPLED_PAIRS = 32;

/** Multiples of the golden ratio lie evenly in [0, 1) but for their whole parts, neighbours far from each other. */
const GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2;

/** Compares some rows of a strip, each with one of the other half: at many distances, as rows may repeat at one. */
function sampleWeights(
  gamma: Float32Array,
  rows: number,
  sample: WeightSample,
  repeated: RepeatedWeights,
): void {
  const d = sample.equal.length;
  const half = Math.ceil(rows / 2);
  const pairs = Math.max(SAMPLED_PAIRS, SAMPLED_WEIGHTS / d);
  for (let i = 0; i + half < rows; i += Math.ceil(half / pairs)) {
    const row = gamma.subarray(i * d, (i + 1) * d);
    const at = half + Math.floor(((i * GOLDEN_RATIO) % 1) * (rows - half));
    const other = gamma.subarray(at * d, (at + 1) * d);
    if (row.every((weight, k) => weight === other[k])) continue;
    sample.compared++;
    repeated.count(row, sample);
    for (let k = 0; k < d; k++) {
      const weight = row[k]!;
      const difference = weight - other[k]!;
      sample.differences[k]! += difference * difference;
      if (weight === 0) continue;
      if (difference === 0) sample.equal[k]!++;
      else if (weight === -other[k]!) sample.opposite[k]!++;
    }
  }
}

/** Weights that are counted one and all; of the rows after them, every eighth stands for eight. */
const COUNTED_WEIGHTS = 65_536;
const EVERY = 8;

/** Counts weights of rows whose size another weight of their row has. */
class RepeatedWeights {
  readonly #numbers: LikeNumbers;
  readonly #sizes: Int32Array;
  readonly #groups: Uint32Array;
  #rows = 0;

  constructor(d: number) {
    this.#numbers = new LikeNumbers(d);
    this.#sizes = new Int32Array(d);
    this.#groups = new Uint32Array(d);
  }

  /** Counts those of a row, and takes its bits. */
  count(row: Float32Array, sample: WeightSample): void {
    const beyond = this.#rows++ - Math.ceil(COUNTED_WEIGHTS / row.length);
    if (beyond >= 0 && beyond % EVERY !== 0) return;
    const times = beyond >= 0 ? EVERY : 1;
    const bits = bitsOf(row);
    for (let k = 0; k < bits.length; k++) {
      sample.bits |= bits[k]!;
      this.#sizes[k] = sizeOf(bits[k]!);
    }
    this.#numbers.group(this.#sizes, this.#groups);
    for (let k = 0; k < bits.length; k++) if (this.#groups[k] !== 0) sample.repeated[k]! += times;
  }
}

/** Folds every block into per-row squares, causal squares, fourth powers and probes (in their regions), and the columns. */
async function foldProjections(
  { hidden: d, rows }: VerifyInput,
  regions: Regions,
  blocks: AsyncIterable<ColumnBlock>,
  weighted: WeightedMeasure | undefined,
): Promise<Columns> {
  const columns = {
    sums: new Float64Array(d),
    sumsOfSquares: new Float64Array(d),
    sumsOfCubes: new Float64Array(d),
    sumsOfFourths: new Float64Array(d),
    minima: new Float64Array(d).fill(Number.POSITIVE_INFINITY),
    maxima: new Float64Array(d).fill(Number.NEGATIVE_INFINITY),
  };
  const { lambda, probeVectors, squares, causal, fourths, probes, statistics } = regions;
  for (const region of [squares, causal, fourths, probes]) region.float64.fill(0);
  for await (const block of blocks) {
    const column = block.firstColumn * 8;
    const row = block.firstRow * 8;
    kernels.foldColumns(
      block.offset,
      block.rows,
      block.columns,
      block.columnStride,
      lambda.offset + column,
      probeVectors.offset + column,
      d * 8,
      squares.offset + row,
      causal.offset + row,
      fourths.offset + row,
      probes.offset + row,
      rows.count * 8,
      statistics.offset,
    );
    for (let k = 0; k < block.columns; k++) {
      const j = block.firstColumn + k;
      const [sum, square, cube, fourth, minimum, maximum] = statistics.float64.subarray(
        k * STATISTICS,
        (k + 1) * STATISTICS,
      ) as unknown as [number, number, number, number, number, number];
      columns.sums[j]! += sum;
      columns.sumsOfSquares[j]! += square;
      columns.sumsOfCubes[j]! += cube;
      columns.sumsOfFourths[j]! += fourth;
      columns.minima[j] = Math.min(columns.minima[j]!, minimum);
      columns.maxima[j] = Math.max(columns.maxima[j]!, maximum);
      if (weighted === undefined) continue;
      tableKernels.loadColumn(block.offset + k * block.columnStride, block.rows, regions.weighed.offset);
      weighted.addColumn(j, regions.weighed.float32, block.firstRow, block.rows);
    }
    rowsReport.advance((block.rows * block.columns) / d);
  }
  return columns;
}

/** Sets the projections' rows beside the checkpoint's. NaN or infinity in a projection shows as NaN here. */
function compareRows(
  { rows, hidden: d, summation, likeEntries }: VerifyInput,
  regions: Regions,
  repeatedWeights: number,
) {
  const { gammaSquares, gammaFourths, gammaProbes, squares, causal, fourths, probes } = regions;
  const tolerances = new RowTolerances(d, summation, { entries: likeEntries, weights: repeatedWeights });
  const none = { relative: 0, tolerance: tolerances.probe({ weights: 0, projections: 0 }), row: rows.first };
  let largest: RowDeviation = none;
  let probe: RowDeviation = none;
  const difference = { maximum: 0, sum: 0 };
  const alongProbe = emptySums();
  const norm = emptySums();
  const causalNorm = emptySums();
  for (let i = 0; i < rows.count; i++) {
    const row = rows.first + i;
    const gammaNorm = Math.sqrt(gammaSquares.float64[i]!);
    const square = squares.float64[i]!;
    const projectedNorm = Math.sqrt(square);
    addMoment(norm, projectedNorm);
    addMoment(causalNorm, Math.sqrt(causal.float64[i]!));
    addMoment(alongProbe, probes.float64[i]!);

    const spread = {
      weights: concentration(gammaFourths.float64[i]!, gammaSquares.float64[i]!),
      projections: concentration(fourths.float64[i]!, square),
    };
    const deviation = Math.abs(gammaNorm - projectedNorm);
    difference.sum += deviation;
    difference.maximum = Math.max(difference.maximum, deviation);
    largest = worse(largest, {
      relative: relative(deviation, gammaNorm),
      tolerance: tolerances.norm(spread),
      row,
    });
    const tolerance = tolerances.probe(spread);
    for (let at = i; at < PROBE_VECTORS * rows.count; at += rows.count) {
      const missed = Math.abs(probes.float64[at]! - gammaProbes.float64[at]!);
      probe = worse(probe, { relative: relative(missed, gammaNorm), tolerance, row });
    }
  }
  return {
    normDifference: { ...largest, ...difference },
    probe,
    rowKeys: gammaProbes.float64.slice(rows.count),
    alongProbe,
    norm,
    causalNorm,
  };
}

/** Deviation relative to a norm; a row of zeros must be projected on zero exactly. */
function relative(deviation: number, norm: number): number {
  return deviation === 0 ? 0 : deviation / norm;
}

/** sum_j p_j^4 / (sum_j p_j^2)^2; 1, the largest, where there is none. */
function concentration(fourths: number, squares: number): number {
  const share = fourths / squares ** 2;
  return Number.isFinite(share) ? share : 1;
}

type Columns = Pick<
  Measurements,
  'sums' | 'sumsOfSquares' | 'sumsOfCubes' | 'sumsOfFourths' | 'minima' | 'maxima'
>;

/** Whether no projection has overflowed, or is no number: tables are made of numbers. */
function areFinite({ minima, maxima }: Pick<Columns, 'minima' | 'maxima'>): boolean {
  return minima.every(Number.isFinite) && maxima.every(Number.isFinite);
}

/** Whether two foldings of the same rows agree: extrema exactly, sums but for the order of their terms. */
function sameColumns(a: Columns, b: Columns, rows: number): boolean {
  return a.sums.every((sum, j) => {
    const squares = a.sumsOfSquares[j]!;
    const rounding = rows * Number.EPSILON;
    return (
      a.minima[j] === b.minima[j] &&
      a.maxima[j] === b.maxima[j] &&
      Math.abs(squares - b.sumsOfSquares[j]!) <= rounding * squares &&
      // sum |p| <= sqrt(rows sum p^2)
      Math.abs(sum - b.sums[j]!) <= rounding * Math.sqrt(rows * squares)
    );
  });
}

function emptySums(): MomentSums {
  return { minimum: Number.POSITIVE_INFINITY, maximum: 0, sum: 0, sumOfSquares: 0 };
}

function addMoment(moments: MomentSums, value: number): void {
  moments.minimum = Math.min(moments.minimum, value);
  moments.maximum = Math.max(moments.maximum, value);
  moments.sum += value;
  moments.sumOfSquares += value * value;
}

function sum(values: Region['float64']): number {
  return values.reduce((total, value) => total + value, 0);
}
