/**
 * The projection's products on a WebGPU device and, in turn, on all cores: strips of rows with a square matrix in float32.
 * Both answers are checked against their definition before anything is timed. On the device, strips follow each other as
 * those of several workers do; the time is from the first row that leaves to the last product that is back.
 *
 * usage: node dist/benchmarks/webgpu.js [--hidden N,N,...] [--strips N] [--runs N]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Backend } from '../src/linalg/backend/backend.js';
import { chooseBackend } from '../src/linalg/backend/choose-backend.js';
import { portableBackend } from '../src/linalg/backend/portable-backend.js';
import type { Matrix } from '../src/linalg/matrix.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { randomFloat32 } from '../test/helpers/random.js';
import { alignedRows, machineLine, spread, wholeNumber, wholeNumbers } from './figures.js';
import { interleave } from './rounds.js';

const { values: given } = parseArgs({
  options: {
    hidden: { type: 'string', default: '1024,2560,4096,8192' },
    strips: { type: 'string', default: '24' },
    runs: { type: 'string', default: '5' },
  },
});
const strips = wholeNumber(given.strips);
const runs = wholeNumber(given.runs);

/** Elements of each product that are computed by definition. */
const CHECKED = 1000;

const device = await chooseBackend({ backend: 'webgpu' }, console.error);
console.log(`${strips} strips of ${STRIP_ROWS} rows, ${runs} interleaved runs, ${machineLine()}`);
console.log(`device: ${device.identity.float32}`);
console.log(`processor: ${portableBackend.identity.float32}, ${availableParallelism()} threads\n`);
const rows = [];
for (const d of wholeNumbers(given.hidden)) {
  const rates = await measure(d);
  rows.push([String(d), ...[...rates.values()].map((values) => spread(values, 1))]);
}
console.log(
  alignedRows([
    ['hidden', 'device, GFLOP/s, median (min to max)', 'processor, GFLOP/s, median (min to max)'],
    ...rows,
  ]),
);

/** Rates in GFLOP/s, of the device and of the processor. */
async function measure(d: number): Promise<Map<string, number[]>> {
  const matrix = (count: number, seed: number): Matrix<Float32Array> => ({
    values: seed === 0 ? new Float32Array(count * d) : randomFloat32(count * d, seed),
    rows: count,
    columns: d,
  });
  const [a, b] = [matrix(strips * STRIP_ROWS, 1), matrix(d, 2)];
  const contender = async (name: string, backend: Backend) => {
    const product = await backend.fixedProduct(b, availableParallelism());
    const multiply = async () => {
      const out = matrix(a.rows, 0);
      const started = performance.now();
      if (product.isAside) await product.multiply(a, out);
      else
        for (const { first, count } of splitRows(a.rows, STRIP_ROWS))
          await product.multiply(part(a, first, count), part(out, first, count));
      return { out, seconds: (performance.now() - started) / 1000 };
    };
    check(name, a, b, (await multiply()).out);
    const run = async () => (2 * a.rows * d * d) / (await multiply()).seconds / 1e9;
    return { name, run, release: () => product.release() };
  };
  const contenders = [await contender('device', device), await contender('processor', portableBackend)];
  const measured = await interleave(contenders, { rounds: runs });
  for (const { release } of contenders) await release();
  return measured;
}

function part({ values, columns }: Matrix<Float32Array>, first: number, count: number): Matrix<Float32Array> {
  return { values: values.subarray(first * columns, (first + count) * columns), rows: count, columns };
}

/** Compares elements, spread over a product, with their definition. @throws Error where one is wrong */
function check(
  name: string,
  a: Matrix<Float32Array>,
  b: Matrix<Float32Array>,
  { values, columns: d }: Matrix<Float32Array>,
): void {
  let worst = 0;
  for (let k = 0; k < CHECKED; k++) {
    const index = Math.floor(((k + 0.5) / CHECKED) * values.length);
    const [i, j] = [Math.floor(index / d), index % d];
    let [sum, magnitude] = [0, 0];
    for (let l = 0; l < d; l++) {
      const term = a.values[i * d + l]! * b.values[l * d + j]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    worst = Math.max(worst, Math.abs(values[index]! - sum) / magnitude);
  }
  console.log(`d = ${d}, ${name}: largest error ${worst.toExponential(2)} of |A| |B|`);
  // Each of d products and sums rounds once.
  if (!(worst <= d * 2 ** -24)) throw new Error(`${name}: the product is wrong`);
}
