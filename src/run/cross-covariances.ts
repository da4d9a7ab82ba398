import { randomSigns } from '../checks/random-signs.js';
import { type Executor, reduceTasks } from '../executor/executor.js';
import type { ShiftedSums } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { PickedRows } from '../input/picked-rows.js';
import { addTo } from '../linalg/add-to.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import type { Matrix } from '../linalg/matrix.js';
import { seededOrder } from '../linalg/seeded-order.js';
import { type ComparedPair, rowsByUnit } from './compared-pair.js';
import type { RunContext } from './context.js';

/** Seed of the probe of the products, fixed as that of projections is. */
const PROBE_SEED = 0x1f123bb5;

/** Covariances over the shared rows of two runs, which are centred over these rows. */
export interface CrossCovariances {
  /** C_A, float64 [d, d]. */
  a: Matrix<Float64Array>;
  /** C_B, float64 [d', d']. */
  b: Matrix<Float64Array>;
  /** X = A^T B / n, float64 [d, d']. */
  x: Matrix<Float64Array>;
  /** X of the rows of A with those of B in a random order. */
  shuffled: Matrix<Float64Array>;
  /** Means of the shared rows, [d] and [d']. */
  means: { a: Float64Array; b: Float64Array };
  /** Largest deviation of a product by its probe, relative to the lengths of what was multiplied. */
  deviation: number;
}

/**
 * Sums the four products of two runs' shared rows on the pool. Each is summed alike, so that of equal rows all are equal, to
 * the last bit.
 *
 * Memory: a sum [d, d'] for each worker, and the four results.
 *
 * @param seed of the random order
 */
export async function crossCovariances(
  pair: ComparedPair,
  seed: number,
  context: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<CrossCovariances> {
  const { rows, count } = pair;
  const order = seededOrder(count, seed);
  const mixed = { source: rows.b.source, ids: order.map((place) => rows.b.ids[place]!) };
  const shifts = { a: pair.a.mean, b: pair.b.mean };
  return context.stopwatch.time('covariances', 4 * count, async (advance) => {
    const executor = tellRows(context.executor, advance);
    const product = (left: Factor, right: Factor) => sumProducts(pair, { left, right }, executor);
    const [sideA, sideB] = [
      { rows: rows.a, shift: shifts.a },
      { rows: rows.b, shift: shifts.b },
    ];
    const a = await product(sideA, sideA);
    const b = await product(sideB, sideB);
    const x = await product(sideA, sideB);
    const shuffled = await product(sideA, { rows: mixed, shift: shifts.b });
    return {
      ...{ a: a.covariance, b: b.covariance, x: x.covariance, shuffled: shuffled.covariance },
      means: { a: a.mean, b: b.mean },
      deviation: Math.max(a.deviation, b.deviation, x.deviation, shuffled.deviation),
    };
  });
}

/** Rows of one side, and the row near their mean that is taken off first. */
export interface Factor {
  rows: PickedRows;
  shift: Float64Array;
}

/** Covariance of the rows of two sides, the mean of the left ones, and how far its probe is off. */
export interface Summed {
  covariance: Matrix<Float64Array>;
  mean: Float64Array;
  deviation: number;
}

/**
 * Sums the products of two sides' rows on an executor, and tells nobody.
 *
 * @param pair says which rows belong together, and how they are divided; the rows may be others
 */
export async function sumProducts(
  pair: Pick<ComparedPair, 'units' | 'count' | 'backend'>,
  { left, right }: { left: Factor; right: Factor },
  executor: Executor,
): Promise<Summed> {
  const [d, e] = [left.rows.source.columns, right.rows.source.columns];
  const probe = randomSigns(e, PROBE_SEED).map((sign) => sign / Math.sqrt(e));
  const [lefts, rights] = [rowsByUnit(pair, left.rows), rowsByUnit(pair, right.rows)];
  const inputs = pair.units.map((rows, unit) => ({
    rows,
    left: lefts[unit]!,
    right: rights[unit]!,
    shifts: { left: left.shift, right: right.shift },
    probe,
    backend: pair.backend.choice,
  }));
  const sums = {
    products: new Float64Array(d * e),
    left: { sums: new Float64Array(d), squares: 0 },
    right: { sums: new Float64Array(e), squares: 0 },
    probed: new Float64Array(d),
  };
  await reduceTasks(executor, 'crossProducts', inputs, (part) => {
    addTo(sums.products, part.products);
    addSums(sums.left, part.left);
    addSums(sums.right, part.right);
    addTo(sums.probed, part.probed);
    freeBuffer(part.products.buffer as ArrayBuffer);
  });
  const deviation = probeDeviation(sums, probe);
  return {
    covariance: covarianceOf(sums, pair.count),
    mean: meanOf(sums.left, left.shift, pair.count),
    deviation,
  };
}

function addSums(sums: ShiftedSums, part: ShiftedSums): void {
  addTo(sums.sums, part.sums);
  sums.squares += part.squares;
}

interface Sums {
  products: Float64Array;
  left: ShiftedSums;
  right: ShiftedSums;
  probed: Float64Array;
}

/** ||S r - sum a_i (b_i . r)|| relative to the lengths of A and B; 0 where one of them is nothing. */
function probeDeviation({ products, left, right, probed }: Sums, probe: Float64Array): number {
  const [d, e] = [probed.length, probe.length];
  let squares = 0;
  for (let j = 0; j < d; j++) {
    let along = 0;
    for (let k = 0; k < e; k++) along += products[j * e + k]! * probe[k]!;
    squares += (along - probed[j]!) ** 2;
  }
  const scale = Math.sqrt(left.squares) * Math.sqrt(right.squares);
  return squares === 0 ? 0 : Math.sqrt(squares) / scale;
}

/** Sums over shifted rows as a covariance: what the shifts were off the means is taken away. */
function covarianceOf({ products, left, right }: Sums, count: number): Matrix<Float64Array> {
  const [d, e] = [left.sums.length, right.sums.length];
  for (let j = 0; j < d; j++)
    for (let k = 0; k < e; k++) {
      const at = j * e + k;
      products[at] = products[at]! / count - (left.sums[j]! / count) * (right.sums[k]! / count);
    }
  return { values: products, rows: d, columns: e };
}

function meanOf({ sums }: ShiftedSums, shift: Float64Array, count: number): Float64Array {
  return shift.map((value, j) => value + sums[j]! / count);
}
