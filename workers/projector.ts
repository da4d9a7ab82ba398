import type { BackendChoice, FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { EigenvectorsReference } from '../src/output/eigenbasis-file.js';

let held: { key: string; product: Promise<FixedMultiplication> } | undefined;

/**
 * Gives `use` the product with a run's eigenvectors. That of one thread is made from their file once in a worker's life, and
 * kept until another run replaces it; that of several threads, of which there is no room for a second one, is freed.
 */
export async function withProjector<Result>(
  eigenvectors: EigenvectorsReference,
  { backend, threads }: { backend: BackendChoice; threads: number },
  use: (product: FixedMultiplication) => Promise<Result>,
): Promise<Result> {
  if (threads === 1) return use(await heldProjector(eigenvectors, backend));
  const product = await openProjector(eigenvectors, backend, threads);
  try {
    return await use(product);
  } finally {
    await product.release();
  }
}

async function heldProjector(
  eigenvectors: EigenvectorsReference,
  backend: BackendChoice,
): Promise<FixedMultiplication> {
  const key = JSON.stringify([eigenvectors.sha256, backend]);
  if (held?.key !== key) {
    const former = held?.product;
    const product = openProjector(eigenvectors, backend, 1);
    held = { key, product };
    // A failure is that of its own task: the next one, of this run or of another, opens anew.
    product.catch(() => {
      if (held?.product === product) held = undefined;
    });
    await (await former)?.release();
    return product;
  }
  return held.product;
}

async function openProjector(
  { file, byteOffset, hidden }: EigenvectorsReference,
  choice: BackendChoice,
  threads: number,
): Promise<FixedMultiplication> {
  const backend = await openBackend(choice);
  return backend.fixedProduct({ file, byteOffset, rows: hidden, columns: hidden }, threads);
}
