import { closeSync, openSync } from 'node:fs';
import { readFully } from '../src/input/read-fully.js';
import type { FixedMultiplication, KernelsChoice } from '../src/linalg/backend/dense-kernels.js';
import { openKernels } from '../src/linalg/backend/open-kernels.js';
import type { EigenvectorsReference } from './messages.js';

let held: { key: string; product: Promise<FixedMultiplication> } | undefined;

/**
 * The product with a run's eigenvectors, which are read from their file once in a worker's life; those of another
 * run take their place.
 */
export async function projectorOf(
  eigenvectors: EigenvectorsReference,
  kernels: KernelsChoice,
): Promise<FixedMultiplication> {
  const key = JSON.stringify([eigenvectors.sha256, kernels]);
  if (held?.key !== key) {
    const former = held?.product;
    held = { key, product: open(eigenvectors, kernels) };
    await (await former)?.release();
  }
  return held.product;
}

async function open(
  eigenvectors: EigenvectorsReference,
  choice: KernelsChoice,
): Promise<FixedMultiplication> {
  const d = eigenvectors.hidden;
  const kernels = await openKernels(choice);
  return kernels.fixedProduct({ values: readEigenvectors(eigenvectors), rows: d, columns: d }, 1);
}

/** Float32 [d, d] row-major. */
function readEigenvectors({ file, byteOffset, hidden }: EigenvectorsReference): Float32Array {
  const values = new Float32Array(hidden * hidden);
  const descriptor = openSync(file, 'r');
  try {
    readFully(descriptor, new Uint8Array(values.buffer), byteOffset, file);
  } finally {
    closeSync(descriptor);
  }
  return values;
}
