/**
 * Products of m rows with a square matrix, by the number of rows in a call: one thread alone, and several at once,
 * in float32 (the projection) and float64 (covariance and eigensolver), and in float64 the product that a covariance is
 * summed up by. GFLOP/s a core, beside the best rate that was seen and the peak of the core. Every shape is checked before
 * it is timed.
 *
 * usage: node dist/benchmarks/product.js [--chunks M,M,...] [--hidden N] [--workers N] [--runs N]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { BackendChoice } from '../src/linalg/backend/backend.js';
import { chooseBackend } from '../src/linalg/backend/choose-backend.js';
import { portableBackend } from '../src/linalg/backend/portable-backend.js';
import { processorFamily } from '../src/linalg/backend/processor-class.js';
import { forbidTelemetry } from '../src/linalg/onnxruntime.js';
import { SUMMED_ROWS, TILE_ROWS } from '../src/linalg/product-shapes.js';
import { COVARIANCE_BLOCK } from '../src/plan/covariance-blocks.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { ask } from './ask.js';
import { corePeak } from './core-peak.js';
import { alignedRows, machineLine, median, spread, wholeNumber, wholeNumbers } from './figures.js';
import type { Dtype, ProductReply, ProductRequest } from './product-thread.js';
import { type Contender, interleave } from './rounds.js';

const { values: given } = parseArgs({
  options: {
    chunks: { type: 'string', default: '128,256,512,1024,2048,4096,8192' },
    hidden: { type: 'string', default: '2560' },
    workers: { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '3' },
  },
});
const chunks = wholeNumbers(given.chunks);
const hidden = wholeNumber(given.hidden);
const workers = wholeNumber(given.workers);
const runs = wholeNumber(given.runs);

/** Square products whose operands lie in the core's own caches: they stand for the best rate that there is. */
const SQUARES = [384, 768, 1536];

/** Rows of the product by which libraries are compared: a strip of a run. */
const ROWS_OF_RATES = STRIP_ROWS;

/** Rows multiplied in one measurement: small calls are repeated. */
const ROWS_A_MEASUREMENT = 2048;

/** Product by which a tile of a covariance is summed up. */
const SUMS: Shape = { rows: TILE_ROWS, inner: SUMMED_ROWS, columns: COVARIANCE_BLOCK, isSummed: true };

/** Work of one measurement of it. */
const FLOPS_OF_SUMS = 2e10;

interface Contestant {
  /** Name of the backend. */
  backend: string;
  choice: BackendChoice;
  /** Of a system library. */
  version?: string;
}

/** Shape of a product [rows, inner] x [inner, columns]. */
interface Shape {
  rows: number;
  inner: number;
  columns: number;
  /** Whether the product is added to what is there, as for a covariance. */
  isSummed: boolean;
}

interface Subject {
  dtype: Dtype;
  /** Name of the backend. */
  backend: string;
  choice: BackendChoice;
  shape: Shape;
  /** Number of threads at once. */
  parties: number;
}

const contestants: Contestant[] = [
  { backend: 'portable', choice: portableBackend.choice },
  ...(await systemContestant()),
];
const barrier = new SharedArrayBuffer(8);
forbidTelemetry();
const threads = Array.from(
  { length: workers },
  () => new Worker(new URL('./product-thread.js', import.meta.url), { workerData: barrier }),
);

console.log(
  `products of m x ${hidden} with ${hidden} x ${hidden}, ${runs} interleaved runs, ${machineLine()}`,
);
console.log(`portable: ${portableBackend.identity.library} ${portableBackend.identity.version}`);
const peak = corePeak();
console.log(`peak of the core: ${peak === null ? 'unknown' : peak.basis}`);
const shares = new Map<Dtype | 'sums', number>();
for (const dtype of ['float32', 'float64'] as const) await compare(dtype);
printRates();
for (const thread of threads) await thread.terminate();

async function compare(dtype: Dtype): Promise<void> {
  const withSquare = (rows: number, size: number) => ({ rows, inner: size, columns: size, isSummed: false });
  const shapes: Shape[] = [
    ...chunks.map((rows) => withSquare(rows, hidden)),
    ...SQUARES.map((size) => withSquare(size, size)),
    ...(dtype === 'float64' ? [SUMS] : []),
  ];
  const subjects: Subject[] = contestants.flatMap(({ backend, choice }) =>
    [...new Set([1, workers])].flatMap((parties) =>
      shapes.map((shape) => ({ dtype, backend, choice, parties, shape })),
    ),
  );
  const contenders = subjects.map(
    (subject): Contender => ({ name: JSON.stringify(subject), run: () => rate(subject) }),
  );
  const measured = await interleave(contenders, { rounds: runs });
  const best = Math.max(...[...measured.values()].flat());
  const ratesOf = (backend: string, isRated: (shape: Shape) => boolean) =>
    subjects.flatMap((subject, index) =>
      subject.backend === backend && subject.parties === workers && isRated(subject.shape)
        ? measured.get(contenders[index]!.name)!
        : [],
    );
  const shareOf = (isRated: (shape: Shape) => boolean) =>
    median(ratesOf('system', isRated)) / median(ratesOf('portable', isRated));
  shares.set(
    dtype,
    shareOf(({ rows, isSummed }) => rows === ROWS_OF_RATES && !isSummed),
  );
  if (dtype === 'float64')
    shares.set(
      'sums',
      shareOf(({ isSummed }) => isSummed),
    );
  const bound = peak === null ? '' : `, peak of the core ${peak.gflops[dtype].toFixed(0)} (see above)`;
  console.log(`\n${dtype}: best rate seen ${best.toFixed(1)} GFLOP/s a core${bound}`);
  console.log(
    alignedRows([
      ['kernels', 'at once', 'shape', 'GFLOP/s a core, median (min to max)', 'of the best', 'of the peak'],
      ...subjects.map((subject, index) => {
        const rates = measured.get(contenders[index]!.name)!;
        return [
          subject.backend,
          String(subject.parties),
          shapeText(subject.shape),
          spread(rates, 1),
          percent(median(rates) / best),
          peak === null ? '?' : percent(median(rates) / peak.gflops[dtype]),
        ];
      }),
    ]),
  );
}

/** The row of src/linalg/backend/library-rates.ts that `--backend auto` goes by, with all cores busy. */
function printRates(): void {
  const [library] = contestants.flatMap(({ version }) => version ?? []);
  if (library === undefined) return;
  const row = {
    processor: processorFamily(),
    library: library.split(' ').slice(0, 2).join(' '),
    float32: Number(shares.get('float32')!.toFixed(2)),
    float64: Number(shares.get('float64')!.toFixed(2)),
    sums: Number(shares.get('sums')!.toFixed(2)),
  };
  console.log(`\nfor src/linalg/backend/library-rates.ts: ${JSON.stringify(row)}`);
}

/** Rate in GFLOP/s a core, the mean of all that work at once. */
async function rate({ dtype, choice, shape, parties }: Subject): Promise<number> {
  const flopsOfCall = 2 * shape.rows * shape.inner * shape.columns;
  const calls = Math.ceil(
    (shape.isSummed ? FLOPS_OF_SUMS : 2 * ROWS_A_MEASUREMENT * shape.inner ** 2) / flopsOfCall,
  );
  const request: ProductRequest = { choice, dtype, ...shape, calls, parties };
  const replies = await Promise.all(
    threads.slice(0, parties).map((thread) => ask<ProductReply>(thread, request)),
  );
  const flops = flopsOfCall * calls;
  const rates = replies.map((reply) => {
    if ('failure' in reply) throw new Error(`${JSON.stringify(request)}: ${reply.failure}`);
    return flops / reply.seconds / 1e9;
  });
  return rates.reduce((sum, value) => sum + value, 0) / rates.length;
}

/** System library with its own products, float32 too: a run may leave those to the portable backend. */
async function systemContestant(): Promise<Contestant[]> {
  try {
    const { choice, identity } = await chooseBackend({ backend: 'system' }, console.error);
    if (choice.backend !== 'system') return [];
    console.log(`system: ${identity.library}, ${identity.version}`);
    return [{ backend: 'system', choice: { ...choice, float32: 'system' }, version: identity.version }];
  } catch (error) {
    console.error(`system: ${(error as Error).message}; left out`);
    return [];
  }
}

function shapeText({ rows, inner, columns, isSummed }: Shape): string {
  return `${isSummed ? 'sums, ' : ''}${rows} x ${inner} x ${columns}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
