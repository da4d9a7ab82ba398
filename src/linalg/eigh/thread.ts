// The entry of the eigensolver's threads. It takes ThreadData, posts 'ready', shares in the tridiagonalisation that the
// main thread leads, and ends; its own failure is posted as PlainError after the others were woken.
import { parentPort, workerData } from 'node:worker_threads';
import { toPlainError } from '../../errors.js';
import type { KernelVariant } from '../kernels/eigh-kernels.js';
import { AbortedError } from './barrier.js';
import { panelLength } from './packed-triangle.js';
import { type SharedBuffers, SharedState } from './shared-state.js';
import { withProduct } from './sized-product.js';
import { tridiagonalise } from './tridiagonalisation.js';
import { Workbench } from './workbench.js';

/** Data that a thread of the eigensolver starts with. */
export interface ThreadData {
  /** Number of the thread, from 1; the main thread is 0. */
  index: number;
  buffers: SharedBuffers;
  variant: KernelVariant;
  /** Panels of the thread, ascending, end to end; complete when the barrier is passed for the first time. */
  panels: SharedArrayBuffer | null;
}

const data = workerData as ThreadData;
const shared = new SharedState(data.buffers, Number.POSITIVE_INFINITY);
try {
  await share();
} catch (error) {
  shared.barrier.abort();
  if (!(error instanceof AbortedError)) parentPort!.postMessage(toPlainError(error));
}

/** Takes this thread's share of the tridiagonalisation. */
async function share(): Promise<void> {
  const { index } = data;
  const { n, threads } = data.buffers;
  const bench = Workbench.take(data.variant);
  await withProduct(1, bench, (product) =>
    tridiagonalise({
      n,
      threads,
      index,
      memory: bench.memory,
      kernels: bench.householder,
      product,
      loadPanels: async (panels) => {
        parentPort!.postMessage('ready');
        shared.barrier.pass();
        takePanels(n, panels);
      },
      exchangeColumns: (columns, first, owned) => shared.exchangeColumns(columns, first, owned),
      exchangeSums: (sums, first) => shared.exchangeSums(sums, first, index),
      onColumn: () => {},
    }),
  );
}

function takePanels(n: number, panels: Map<number, Float64Array>): void {
  let offset = 0;
  for (const [panel, out] of panels) {
    const length = panelLength(n, panel);
    out.set(new Float64Array(data.panels!, offset * 8, length));
    offset += length;
  }
  // workerData lives as long as the thread.
  data.panels = null;
}
