import type { RankingInput, Tasks } from '../src/executor/tasks.js';
import { withFileSync } from '../src/files/open-file.js';
import { readFully } from '../src/files/read-fully.js';
import type { FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { loadVectorKernels } from '../src/linalg/kernels/vector-kernels.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { LISTS } from '../src/tables/extremes.js';
import { sides } from '../src/tables/measures.js';
import { type VectorPass, vectorMeasures } from '../src/tables/vector-geometry.js';
import { memory } from './context.js';
import { forEachPartitionStrip, partitionStripSizes } from './partition-strips.js';
import { rowsReport } from './rows-report.js';

const kernels = loadVectorKernels(memory);

/**
 * Finds the tokens of some partitions that are nearest to some vectors by every measure, and sums the products over all of
 * the tokens.
 *
 * Memory: the coordinates of the vectors twice, once arranged for the processor; one partition; the lists.
 */
export async function ranking(input: RankingInput): Promise<Tasks['ranking']['result']> {
  const { vectors, partitions, passes, top } = input;
  // Kernels take vectors by fours.
  const width = Math.ceil(vectors.count / 4) * 4;
  const regions = allotRegions(input, width);
  begin(input, width, regions);
  const products: FixedMultiplication[] = [];
  try {
    const rows = readCoordinates(input);
    const backend = await openBackend(input.backend);
    for (const [k, pass] of passes.entries())
      products.push(
        await backend.fixedProduct(operandOf(input, { rows, width, pass, scales: input.scales[k]! }), 1),
      );
    for (const partition of partitions)
      await forEachPartitionStrip(partition, regions, async ({ first, count }) => {
        for (const [k, product] of products.entries())
          await offerStrip(input, { product, pass: k, width }, regions, {
            first: partition.rows.first + first,
            count,
          });
        rowsReport.advance(count);
      });
  } finally {
    for (const product of products) await product.release();
  }
  const entries = vectors.count * LISTS * top;
  return {
    lists: {
      keys: regions.keys.float64.slice(0, entries),
      tokens: regions.tokens.int32.slice(0, entries),
    },
    sums: sumsOf(input, width, regions.sums.float64),
  };
}

type Regions = ReturnType<typeof allotRegions>;

function allotRegions({ partitions, hidden: d, passes, top }: RankingInput, width: number) {
  const { block, strip } = partitionStripSizes(partitions);
  const lists = width * LISTS * top;
  return memory.allot({
    block,
    // Room for one row more than is needed: see `multiplyStrip`.
    strip: strip + d * 4,
    products: (STRIP_ROWS + 1) * width * 4,
    norms: 2 * STRIP_ROWS * 8,
    sums: passes.length * 2 * width * 8,
    floors: passes.length * LISTS * width * 4,
    keys: lists * 8,
    tokens: lists * 4,
  });
}

/** Empties lists and sums, and opens the floors of those lists that a pass is about, for the vectors that there are. */
function begin({ vectors, passes }: RankingInput, width: number, regions: Regions): void {
  regions.sums.float64.fill(0);
  regions.keys.float64.fill(Number.NEGATIVE_INFINITY);
  regions.tokens.int32.fill(-1);
  const floors = regions.floors.float32;
  for (const [k, { measures }] of passes.entries())
    for (const [m, measure] of vectorMeasures.entries())
      for (const [s, side] of sides.entries()) {
        const first = (k * LISTS + m * sides.length + s) * width;
        const open = side === '+' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
        floors.fill(-open, first, first + width);
        if (measures.includes(measure)) floors.fill(open, first, first + vectors.count);
      }
}

/** Reads the coordinates of the vectors, float32 [count, d]. */
function readCoordinates({ coordinates, vectors, hidden: d }: RankingInput): Float32Array {
  const values = new Float32Array(vectors.count * d);
  const { file, byteOffset } = coordinates;
  withFileSync(file, 'the coordinates', (descriptor) =>
    readFully(descriptor, new Uint8Array(values.buffer), byteOffset + vectors.first * d * 4, file),
  );
  return values;
}

/** Weighed coordinates as the right operand, [d, width]: a vector a column, divided by its power of 2. */
function operandOf(
  { vectors, hidden: d }: RankingInput,
  {
    rows,
    width,
    pass: { weights },
    scales,
  }: { rows: Float32Array; width: number; pass: VectorPass; scales: Float64Array },
) {
  const values = new Float32Array(d * width);
  for (let v = 0; v < vectors.count; v++)
    for (let j = 0; j < d; j++) {
      const weight = weights === null ? 1 : weights[j]!;
      values[j * width + v] = (weight * rows[v * d + j]!) / scales[v]!;
    }
  return { values, rows: d, columns: width };
}

/** Multiplies the strip that lies in its region with the vectors, and offers the products to their lists. */
async function offerStrip(
  { hidden: d, top, norms, rows, weights }: RankingInput,
  { product, pass, width }: { product: FixedMultiplication; pass: number; width: number },
  regions: Regions,
  { first, count }: { first: number; count: number },
): Promise<void> {
  const { strip, products, sums, floors, keys, tokens } = regions;
  // A single row would be multiplied with another order of summation: it takes a row of zeros with it.
  const multiplied = Math.max(count, 2);
  if (multiplied > count) strip.float32.fill(0, count * d, multiplied * d);
  await product.multiply(
    { values: strip.float32.subarray(0, multiplied * d), rows: multiplied, columns: d },
    { values: products.float32.subarray(0, multiplied * width), rows: multiplied, columns: width },
  );
  const from = first - rows.first;
  // The kernel adds the products of all tokens alike.
  const before = weights === undefined ? null : sums.float64.slice();
  regions.norms.float64.set(norms.euclidean.subarray(from, from + count));
  regions.norms.float64.set(norms.causal.subarray(from, from + count), count);
  kernels.offerTokens(
    products.offset,
    count,
    width,
    first,
    regions.norms.offset,
    top,
    sums.offset + pass * 2 * width * 8,
    floors.offset + pass * LISTS * width * 4,
    keys.offset,
    tokens.offset,
  );
  if (weights === undefined || before === null) return;
  sums.float64.set(before);
  addWeighed(products.float32, weights.subarray(from, from + count), {
    sums: sums.float64.subarray(pass * 2 * width, (pass + 1) * 2 * width),
    width,
  });
}

/** Adds products [count, width], and their squares, by the weights of the tokens to sums [2, width]. */
function addWeighed(
  products: Float32Array,
  weights: Float64Array,
  { sums, width }: { sums: Float64Array; width: number },
): void {
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    for (let v = 0; v < width; v++) {
      const product = products[i * width + v]!;
      sums[v]! += weight * product;
      sums[width + v]! += weight * product * product;
    }
  }
}

/** Sums of the products and of their squares, [passes, 2, count]. */
function sumsOf(
  { vectors: { count }, passes }: RankingInput,
  width: number,
  float64: Float64Array,
): Float64Array {
  const sums = new Float64Array(passes.length * 2 * count);
  for (let k = 0; k < passes.length * 2; k++)
    sums.set(float64.subarray(k * width, k * width + count), k * count);
  return sums;
}
