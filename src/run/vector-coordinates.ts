import { InputError } from '../errors.js';
import { type FoundVectors, readVectors } from '../input/vectors.js';
import { passVectors } from '../linalg/fold.js';
import { readEigenbasis } from '../output/eigenbasis-file.js';
import type { Manifest } from '../output/manifest.js';
import { chooseBackendOf } from './backend-of-run.js';
import type { RunContext } from './context.js';
import { type NormOfVectors, readVectorNorm } from './vector-norm.js';

/**
 * Reads vectors from a file and computes their coordinates a = V^T u, float32 [n, d], as the projections of rows are computed:
 * a vector that is a row has its projections, to the bit where the same backend computed both.
 *
 * @throws InputError where the file has changed, a vector is too long for float32, or the final norm is not known
 */
export async function vectorCoordinates(
  run: { directory: string; manifest: Manifest; context: RunContext },
  source: FoundVectors,
  where: NormOfVectors,
): Promise<Float32Array> {
  const { directory, manifest, context } = run;
  const { count, hidden: d } = source;
  const norm = await readVectorNorm(run, where);
  const vectors = await readVectors(source, { first: 0, count });
  if (norm !== null) passVectors(vectors, norm.fold);
  const { eigenvectors } = await readEigenbasis(directory, d, manifest.eigenbasis);
  const backend = await chooseBackendOf(manifest, context.note);
  // A single row would be multiplied as a vector, in another order: one of zeros goes with it.
  const rows = Math.max(2, count);
  const values = new Float32Array(rows * d);
  values.set(vectors);
  const out = { values: new Float32Array(rows * d), rows, columns: d };
  const product = await backend.fixedProduct(
    { values: eigenvectors, rows: d, columns: d },
    context.executor.concurrency,
  );
  try {
    await product.multiply({ values, rows, columns: d }, out);
  } finally {
    await product.release();
  }
  const coordinates = out.values.subarray(0, count * d);
  const at = coordinates.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return coordinates;
  throw new InputError(
    `${source.file}: vector ${source.first + Math.floor(at / d)} is too long for float32, in which coordinates are computed; ` +
      'divide the vectors by a number, and save them again',
  );
}
