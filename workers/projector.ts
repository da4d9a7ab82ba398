import type { BackendChoice, FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { readMatrix } from '../src/linalg/backend/read-matrix.js';
import { transposed } from '../src/linalg/transpose.js';
import type { EigenvectorsReference } from '../src/output/eigenbasis-file.js';

/** Products that a thread keeps, each of one run: with its eigenvectors, and with their transpose. */
const held: Partial<Record<'eigenvectors' | 'transpose', HeldProduct>> = {};

interface HeldProduct {
  key: string;
  product: Promise<FixedMultiplication>;
}

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

/** The product of one thread with a run's eigenvectors, which the thread keeps. */
export function heldProjector(
  eigenvectors: EigenvectorsReference,
  backend: BackendChoice,
): Promise<FixedMultiplication> {
  return heldProduct('eigenvectors', eigenvectors, backend);
}

/** The product of one thread with the transpose of a run's eigenvectors, which undoes a projection; the thread keeps it. */
export function heldReturn(
  eigenvectors: EigenvectorsReference,
  backend: BackendChoice,
): Promise<FixedMultiplication> {
  return heldProduct('transpose', eigenvectors, backend);
}

async function heldProduct(
  operand: keyof typeof held,
  eigenvectors: EigenvectorsReference,
  backend: BackendChoice,
): Promise<FixedMultiplication> {
  const key = JSON.stringify([eigenvectors.sha256, backend]);
  const former = held[operand];
  if (former?.key === key) return former.product;
  const product =
    operand === 'eigenvectors' ? openProjector(eigenvectors, backend, 1) : openReturn(eigenvectors, backend);
  held[operand] = { key, product };
  // A failure is that of its own task: the next one, of this run or of another, opens anew.
  product.catch(() => {
    if (held[operand]?.product === product) delete held[operand];
  });
  await (await former?.product)?.release();
  return product;
}

async function openProjector(
  { file, byteOffset, hidden }: EigenvectorsReference,
  choice: BackendChoice,
  threads: number,
): Promise<FixedMultiplication> {
  const backend = await openBackend(choice);
  return backend.fixedProduct({ file, byteOffset, rows: hidden, columns: hidden }, threads);
}

async function openReturn(
  { file, byteOffset, hidden: d }: EigenvectorsReference,
  choice: BackendChoice,
): Promise<FixedMultiplication> {
  const backend = await openBackend(choice);
  const { values } = readMatrix({ file, byteOffset, rows: d, columns: d });
  return backend.fixedProduct({ values: Float32Array.from(transposed(values, d)), rows: d, columns: d }, 1);
}
