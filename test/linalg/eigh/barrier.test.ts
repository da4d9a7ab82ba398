import { Worker } from 'node:worker_threads';
import test from 'ava';
import { RunError } from '../../../src/errors.js';
import { Barrier } from '../../../src/linalg/eigh/barrier.js';

/** Starts a thread that runs `body` with a `barrier` for two over the given cells. */
function startThread(cells: Int32Array, body: string): Worker {
  const url = new URL('../../../src/linalg/eigh/barrier.js', import.meta.url).href;
  const code = `
    const { workerData } = require('node:worker_threads');
    import(${JSON.stringify(url)}).then(({ Barrier }) => {
      const barrier = new Barrier(workerData, 2, 60);
      ${body}
    });`;
  return new Worker(code, { eval: true, workerData: cells });
}

function cellsOf(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Barrier.BYTES));
}

function exitOf(worker: Worker): Promise<number> {
  return new Promise((resolve) => worker.once('exit', resolve));
}

test('two threads pass together, round after round', async (t) => {
  const cells = cellsOf();
  const counter = new SharedArrayBuffer(4);
  const counts = new Int32Array(counter);
  const worker = new Worker(
    `
    const { workerData } = require('node:worker_threads');
    import(workerData.url).then(({ Barrier }) => {
      const barrier = new Barrier(workerData.cells, 2, 60);
      for (let round = 0; round < 1000; round++) {
        Atomics.add(workerData.counts, 0, 1);
        barrier.pass();
        barrier.pass();
      }
    });`,
    {
      eval: true,
      workerData: {
        cells,
        counts,
        url: new URL('../../../src/linalg/eigh/barrier.js', import.meta.url).href,
      },
    },
  );
  const exit = exitOf(worker);
  const barrier = new Barrier(cells, 2, 60);
  let early = 0;
  for (let round = 0; round < 1000; round++) {
    barrier.pass();
    if (Atomics.load(counts, 0) !== round + 1) early++;
    barrier.pass();
  }
  t.is(early, 0);
  t.is(await exit, 0);
});

test('an abort wakes a thread that waits', async (t) => {
  const cells = cellsOf();
  const worker = startThread(cells, 'setTimeout(() => barrier.abort(), 50);');
  const exit = exitOf(worker);
  t.throws(() => new Barrier(cells, 2, 60).pass(), { instanceOf: RunError, message: /another thread/ });
  await exit;
});

test('whoever comes after an abort fails at once', (t) => {
  const barrier = new Barrier(cellsOf(), 2, 60);
  barrier.abort();
  t.throws(() => barrier.pass(), { instanceOf: RunError, message: /another thread/ });
});

test('a thread that never comes is given up', (t) => {
  t.throws(() => new Barrier(cellsOf(), 2, 1).pass(), {
    instanceOf: RunError,
    message: /did not answer for 1 s/,
  });
});
