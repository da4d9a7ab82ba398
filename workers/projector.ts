import type { BackendChoice, FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { EigenvectorsReference } from '../src/output/eigenbasis-file.js';

let held: { key: string; product: Promise<FixedMultiplication> } | undefined;

/** Product with a run's eigenvectors, made from their file once in a worker's life, until another run replaces it. */
export async function projectorOf(
  eigenvectors: EigenvectorsReference,
  backend: BackendChoice,
): Promise<FixedMultiplication> {
  const key = JSON.stringify([eigenvectors.sha256, backend]);
  if (held?.key !== key) {
    const former = held?.product;
    const product = openProjector(eigenvectors, backend);
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
): Promise<FixedMultiplication> {
  const backend = await openBackend(choice);
  return backend.fixedProduct({ file, byteOffset, rows: hidden, columns: hidden }, 1);
}
