// The entry of the eigensolver's threads. It takes ThreadData, shares in the tridiagonalisation and the secular
// equations that the main thread leads, and ends; a failure is posted as PlainError after the others were woken.
import { parentPort, workerData } from 'node:worker_threads';
import { toPlainError } from '../../errors.js';
import { KernelMemory } from '../kernel-memory.js';
import { Product } from '../product.js';
import { type KernelVariant, loadHouseholderKernels, loadSecularKernels } from './kernels.js';
import { assistSecular } from './secular.js';
import { panelsOfSlices, type SharedBuffers, SharedState, slicesOfThread } from './shared-state.js';
import { tridiagonalise } from './tridiagonalisation.js';

export interface ThreadData {
  /** From 1; the main thread is 0. */
  index: number;
  buffers: SharedBuffers;
  variant: KernelVariant;
  /** The panels of this thread's slices laid end to end; complete when the barrier is passed for the first time. */
  panels: SharedArrayBuffer | null;
}

const data = workerData as ThreadData;
const shared = new SharedState(data.buffers, Number.POSITIVE_INFINITY);
try {
  await share();
} catch (error) {
  shared.barrier.abort();
  parentPort!.postMessage(toPlainError(error));
}

async function share(): Promise<void> {
  const { n, threads } = data.buffers;
  const slices = slicesOfThread(data.index, threads);
  const memory = new KernelMemory();
  const product = await Product.createAccumulating('float64', 1);
  shared.barrier.pass();
  await tridiagonalise({
    n,
    slices,
    memory,
    kernels: loadHouseholderKernels(memory.memory, data.variant),
    product,
    loadPanels: (panels) => loadPanels(n, slices, panels),
    exchangeColumns: (columns, first, owned) => shared.exchangeColumns(columns, first, owned),
    exchangeSums: (sums, first) => shared.exchangeSums(sums, first, slices),
    onColumn: () => {},
  });
  await product.release();
  assistSecular(memory, loadSecularKernels(memory.memory), { shared, index: data.index });
}

function loadPanels(n: number, slices: readonly number[], panels: Map<number, Float64Array>): void {
  const source = new Float64Array(data.panels!);
  for (const { panel, offset, length } of panelsOfSlices(n, slices).panels) {
    panels.get(panel)!.set(source.subarray(offset, offset + length));
  }
  // workerData lives as long as the thread.
  data.panels = null;
}
