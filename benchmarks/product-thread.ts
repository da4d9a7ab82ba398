/** A thread of benchmarks/product: multiplies, with one thread of the library's, and checks before it times. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BackendChoice } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { Matrix } from '../src/linalg/matrix.js';
import { randomFloat32, randomFloat64 } from '../test/helpers/random.js';

type Values = Float32Array | Float64Array;
/** Type of the operands. */
export type Dtype = 'float32' | 'float64';

/** Request for out = A B, or out += A B, [rows, inner] x [inner, columns], `calls` times. */
export interface ProductRequest {
  choice: BackendChoice;
  dtype: Dtype;
  rows: number;
  inner: number;
  columns: number;
  /** Whether the product is added to what is there; in float64 alone. */
  isSummed: boolean;
  calls: number;
  /** Number of threads that do the same at once: they wait for each other before they begin to time. */
  parties: number;
}

/** Seconds of all calls, or why the product is wrong. */
export type ProductReply = { seconds: number } | { failure: string };

/** Cells of the barrier, shared by all threads. */
const barrier = new Int32Array(workerData as SharedArrayBuffer);
/** Cell of the arrivals. */
const ARRIVED = 0;
/** Cell of the number of times that the barrier opened. */
const OPENED = 1;

const CHECKED_ENTRIES = 64;

/** Unit roundoff of each type. */
const roundoff: Record<Dtype, number> = { float32: 2 ** -24, float64: 2 ** -53 };

/** Call of one product; a and out are its operands, b is the one that it was opened for. */
type Call = (a: Matrix<never>, out: Matrix<never>) => Promise<void>;

const products = new Map<string, Promise<Call>>();

/** Operands a, b and out of the longest request so far. */
const held: Record<Dtype, Values[]> = { float32: [], float64: [] };

parentPort!.on('message', async (request: ProductRequest) => {
  let reply: ProductReply;
  try {
    reply = { seconds: await time(request) };
  } catch (error) {
    reply = { failure: (error as Error).message };
  }
  parentPort!.postMessage(reply);
});

async function time({
  choice,
  dtype,
  rows,
  inner,
  columns,
  isSummed,
  calls,
  parties,
}: ProductRequest): Promise<number> {
  const a = { values: operand(dtype, 0, rows * inner), rows, columns: inner };
  const b = { values: operand(dtype, 1, inner * columns), rows: inner, columns };
  const out = { values: operand(dtype, 2, rows * columns), rows, columns };
  const key = JSON.stringify([choice, dtype, inner, columns, isSummed]);
  if (!products.has(key)) products.set(key, isSummed ? openSums(choice, b) : openProduct(choice, dtype, b));
  const multiply = (await products.get(key)) as unknown as (
    a: Matrix<Values>,
    out: Matrix<Values>,
  ) => Promise<void>;
  out.values.fill(isSummed ? 0 : Number.NaN);
  let failure: unknown = null;
  try {
    await multiply(a, out);
    checkProduct(a, b, out, roundoff[dtype]);
  } catch (error) {
    failure = error;
  }
  // Also after a failure: the others wait.
  passBarrier(parties);
  if (failure !== null) throw failure;
  const started = performance.now();
  for (let call = 0; call < calls; call++) await multiply(a, out);
  return (performance.now() - started) / 1000;
}

/** Opens a product that is added to what is there, as the covariance adds up its own: of b it takes the transpose. */
async function openSums(choice: BackendChoice, b: Matrix<Values>): Promise<Call> {
  const sums = await (await openBackend(choice)).outerProducts(1);
  const { values, rows, columns } = b as Matrix<Float64Array>;
  const transposed = values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
  return (a, out) => sums.add(a, { values: transposed, rows: columns, columns: rows }, out);
}

/** Opens a product: float32 as the projection multiplies, with a fixed right operand; float64 as the metric's inverse does. */
async function openProduct(choice: BackendChoice, dtype: Dtype, b: Matrix<Values>): Promise<Call> {
  const backend = await openBackend(choice);
  if (dtype === 'float32') {
    const fixed = await backend.fixedProduct(b as Matrix<Float32Array>, 1);
    return (a, out) => fixed.multiply(a, out);
  }
  const product = await backend.product(1);
  return (a, out) => product.multiply(a, b as Matrix<Float64Array>, out);
}

/** Operand of the first `length` seeded numbers in [-1, 1), the same at each call. */
function operand(dtype: Dtype, index: number, length: number): Values {
  if ((held[dtype][index]?.length ?? 0) < length) {
    held[dtype][index] = dtype === 'float32' ? randomFloat32(length, index) : randomFloat64(length, index);
  }
  return held[dtype][index]!.subarray(0, length);
}

/** Compares entries all over `out` with sums in float64, within the rounding errors that any order of summation has. */
function checkProduct(a: Matrix<Values>, b: Matrix<Values>, out: Matrix<Values>, u: number): void {
  const { rows: inner, columns } = b;
  const { values } = out;
  for (let entry = 0; entry < CHECKED_ENTRIES; entry++) {
    const index = Math.floor((values.length - 1) * (entry / (CHECKED_ENTRIES - 1)));
    const [i, j] = [Math.floor(index / columns), index % columns];
    let sum = 0;
    let magnitude = 0;
    for (let k = 0; k < inner; k++) {
      const term = a.values[i * inner + k]! * b.values[k * columns + j]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    const deviation = Math.abs(values[index]! - sum);
    const tolerance = 2 * inner * u * magnitude;
    if (deviation <= tolerance) continue;
    throw new Error(
      `entry (${i}, ${j}) is ${values[index]}, not ${sum}: off by ${deviation}, above ${tolerance}`,
    );
  }
}

/** Waits until all parties have come. */
function passBarrier(parties: number): void {
  const round = Atomics.load(barrier, OPENED);
  if (Atomics.add(barrier, ARRIVED, 1) === parties - 1) {
    Atomics.store(barrier, ARRIVED, 0);
    Atomics.add(barrier, OPENED, 1);
    Atomics.notify(barrier, OPENED);
  } else {
    Atomics.wait(barrier, OPENED, round);
  }
}
