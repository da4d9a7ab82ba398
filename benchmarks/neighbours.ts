/**
 * The k nearest neighbours of all rows by centred causal cosine: eigenshard's, and in turn NumPy's blocked brute force and
 * faiss's flat index where they are installed, on the projections of the same run. Their lists are compared before times
 * count. Prints seconds, peak memory, and the products of all pairs a second, beside what bare products reach on the same
 * cores in the same run; whoever multiplies a pair once for both of its rows can be above it.
 *
 * usage: node dist/benchmarks/neighbours.js [--model DIRECTORY | --rows N --hidden N] [--k N] [--runs N]
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { portableBackend } from '../src/linalg/backend/portable-backend.js';
import { readEigenvalues } from '../src/output/eigenbasis-file.js';
import { readManifest } from '../src/output/manifest.js';
import { readNeighbourLists } from '../src/output/neighbours-file.js';
import { randomFloat32 } from '../test/helpers/random.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from './figures.js';
import { environmentOf, pythonWith } from './python.js';
import { followStages, startCoordinator } from './stages.js';

const { values: given } = parseArgs({
  options: {
    model: { type: 'string' },
    rows: { type: 'string', default: '40000' },
    hidden: { type: 'string', default: '2560' },
    k: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
  },
});
const OURS = 'eigenshard';
const k = wholeNumber(given.k);
const runs = wholeNumber(given.runs);
const root = path.resolve(import.meta.dirname, '../..');
const scratch = path.join(root, 'runs', 'benchmark-neighbours');
const run = path.join(scratch, 'run');
const eigenvaluesFile = path.join(scratch, 'eigenvalues.json');
const coordinator = path.join(root, 'coordinator.js');
const execute = promisify(execFile);

/** Share of the places of two lists that may hold different rows: float32 may take the nearer of two for the farther one. */
const MAX_DIFFERENT = 1e-3;

/** Rows that are multiplied at a time, and columns, where bare products are timed. */
const PRODUCT_ROWS = 512;
const PRODUCT_COLUMNS = 4096;

/** Operations of bare products in one measurement. */
const PRODUCT_OPERATIONS = 4e11;

interface Timed {
  /** Version of the library. */
  version: string;
  wallSeconds: number;
  stageSeconds: Record<string, number>;
  peakMemoryBytes: number;
  /** Nearest rows of every row, [rows, k]. */
  ids: Int32Array;
}

interface Contender {
  name: string;
  run: () => Promise<Timed>;
}

/** Rows that equal others, of which any may stand for the rest in a peer's list. */
const repeated = new Set<number>();

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
try {
  await compare();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  await prepare();
  const { rows, hidden } = readManifest(run).model;
  const peers = ['numpy', 'faiss'].flatMap((library): Contender[] => {
    const interpreter = pythonWith(library);
    return interpreter === null ? [] : [{ name: library, run: () => runPeer(interpreter, library) }];
  });
  const contenders = [{ name: OURS, run: () => runEigenshard(rows) }, ...peers];
  const results = new Map<string, Timed[]>(contenders.map(({ name }) => [name, []]));
  const rates: number[] = [];
  for (let round = 0; round < runs; round++) {
    rates.push(await productRate(hidden));
    for (const contender of contenders) results.get(contender.name)!.push(await contender.run());
    checkAnswers(results);
  }
  print({ rows, hidden, rate: median(rates) }, results);
}

async function prepare(): Promise<void> {
  let { model } = given;
  if (model === undefined) {
    model = path.join(scratch, 'model');
    const shape = ['--rows', given.rows, '--hidden', given.hidden];
    await execute(process.execPath, [coordinator, 'generate', ...shape, '--out', model, '--quiet']);
  }
  const options = ['--tables', 'none', '--export', 'npy', '--quiet'];
  await execute(process.execPath, [coordinator, '--model', model, '--out', run, ...options]);
  const manifest = readManifest(run);
  const eigenvalues = await readEigenvalues(run, manifest.model.hidden, manifest.eigenbasis);
  writeFileSync(eigenvaluesFile, JSON.stringify([...eigenvalues]));
}

/** GFLOP/s of products of strips of rows with a fixed matrix, on all cores. */
async function productRate(hidden: number): Promise<number> {
  const operations = 2 * PRODUCT_ROWS * PRODUCT_COLUMNS * hidden;
  const strips = Math.ceil(PRODUCT_OPERATIONS / operations);
  const random = (rows: number, columns: number, seed: number) => ({
    values: randomFloat32(rows * columns, seed),
    rows,
    columns,
  });
  const product = await portableBackend.fixedProduct(
    random(hidden, PRODUCT_COLUMNS, 1),
    availableParallelism(),
  );
  const [strip, out] = [random(PRODUCT_ROWS, hidden, 2), random(PRODUCT_ROWS, PRODUCT_COLUMNS, 3)];
  await product.multiply(strip, out);
  const started = performance.now();
  for (let index = 0; index < strips; index++) await product.multiply(strip, out);
  const seconds = (performance.now() - started) / 1000;
  await product.release();
  return (strips * operations) / seconds / 1e9;
}

async function runEigenshard(rows: number): Promise<Timed> {
  // A search that has been made is not made again.
  const directory = path.join(scratch, 'searched');
  rmSync(directory, { recursive: true, force: true });
  cpSync(run, directory, { recursive: true });
  const started = performance.now();
  const child = startCoordinator('neighbours', directory, '-k', String(k));
  const { stages, code } = await followStages(child, () => {});
  const wallSeconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`the search ended with exit code ${code}`);
  const manifest = readManifest(directory);
  const lists = await readNeighbourLists(directory, manifest, 'causal_cosine');
  const ids = new Int32Array(rows * k);
  for (const [row, list] of lists.entries()) {
    ids.set(list.ids!, row * k);
    if (list.values!.includes(0)) repeated.add(row);
  }
  return {
    version: manifest.version,
    wallSeconds,
    peakMemoryBytes: Math.max(...stages.map(({ peakBytes }) => peakBytes)),
    stageSeconds: Object.fromEntries(stages.map(({ name, seconds }) => [name, seconds])),
    ids,
  };
}

async function runPeer(interpreter: string, library: string): Promise<Timed> {
  const script = path.join(root, 'benchmarks', 'neighbours.py');
  const output = path.join(scratch, `${library}.int32`);
  const started = performance.now();
  const { stdout } = await execute(
    interpreter,
    [script, library, path.join(run, 'projections.npy'), eigenvaluesFile, String(k), output],
    { env: environmentOf(availableParallelism()) },
  );
  const wallSeconds = (performance.now() - started) / 1000;
  const { version, seconds, peakMemoryBytes } = JSON.parse(stdout);
  const { buffer } = new Uint8Array(readFileSync(output));
  return { version, wallSeconds, peakMemoryBytes, stageSeconds: seconds, ids: new Int32Array(buffer) };
}

/** Checks that all contenders have found the same rows, but for those that float32 cannot tell apart, and those of equal rows. */
function checkAnswers(results: ReadonlyMap<string, readonly Timed[]>): void {
  const expected = results.get(OURS)!.at(-1)!.ids;
  for (const [name, timed] of results) {
    const { ids } = timed.at(-1)!;
    let different = 0;
    for (let first = 0; first < expected.length; first += k) {
      if (repeated.has(first / k)) continue;
      const found = new Set(ids.subarray(first, first + k));
      for (const id of expected.subarray(first, first + k)) if (!found.has(id)) different++;
    }
    if (different <= MAX_DIFFERENT * expected.length) continue;
    throw new Error(`${name}: ${different} of ${expected.length} neighbours are others`);
  }
}

function print(
  { rows, hidden, rate }: { rows: number; hidden: number; rate: number },
  results: ReadonlyMap<string, readonly Timed[]>,
): void {
  const ours = median(results.get(OURS)!.map(({ wallSeconds }) => wallSeconds));
  const pairs = 2 * rows * rows * hidden;
  console.log(`${rows} x ${hidden}, k = ${k}, ${runs} interleaved runs, ${machineLine()}`);
  console.log(`bare products: ${rate.toFixed(0)} GFLOP/s on ${availableParallelism()} threads\n`);
  console.log(
    alignedRows([
      [
        '',
        'seconds, median (min to max)',
        'eigenshard / it',
        'all pairs, GFLOP/s',
        'of bare products',
        'peak MB',
      ],
      ...[...results].map(([name, timed]) => {
        const seconds = median(timed.map(({ wallSeconds }) => wallSeconds));
        const achieved = pairs / seconds / 1e9;
        return [
          name,
          spread(timed.map(({ wallSeconds }) => wallSeconds)),
          (ours / seconds).toFixed(2),
          achieved.toFixed(0),
          `${((achieved / rate) * 100).toFixed(0)} %`,
          (Math.max(...timed.map(({ peakMemoryBytes }) => peakMemoryBytes)) / 1e6).toFixed(0),
        ];
      }),
    ]),
  );
  for (const [name, timed] of results) {
    const stages = Object.keys(timed[0]!.stageSeconds).map(
      (stage) => `${stage} ${median(timed.map(({ stageSeconds }) => stageSeconds[stage]!)).toFixed(2)} s`,
    );
    console.log(`\n${name} ${timed[0]!.version}: ${stages.join(', ')}`);
  }
}
