import type { FixedMultiplication, KernelsChoice } from '../src/linalg/backend/dense-kernels.js';
import { openKernels } from '../src/linalg/backend/open-kernels.js';
import type { EigenvectorsReference } from './messages.js';

let held: { key: string; product: Promise<FixedMultiplication> } | undefined;

/**
 * The product with a run's eigenvectors, made from their file once in a worker's life; that of another run takes its
 * place.
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
  { file, byteOffset, hidden }: EigenvectorsReference,
  choice: KernelsChoice,
): Promise<FixedMultiplication> {
  const kernels = await openKernels(choice);
  return kernels.fixedProduct({ file, byteOffset, rows: hidden, columns: hidden }, 1);
}
