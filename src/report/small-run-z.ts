import { type RecordedProjections, readProjections } from '../output/read-projections.js';
import type { PackedArray } from './packed-arrays.js';

/** Values of z that a page holds at most: all of a run as small as this, none of a larger one. */
const MAX_VALUES = 2 ** 20;

/**
 * Array of z of every token along every eigenvector, [V, d] row-major, of a run that is small enough.
 *
 * @param lambda eigenvalues, [d]
 * @param step z in the page is in steps of this size
 */
export async function smallRunZ(
  directory: string,
  run: RecordedProjections,
  { lambda, step }: { lambda: ArrayLike<number>; step: number },
): Promise<Record<string, PackedArray>> {
  const { rows, hidden } = run.model;
  if (rows * hidden > MAX_VALUES) return {};
  const p = await readProjections(directory, run, { first: 0, count: rows });
  return {
    'token.z': Int16Array.from(p, (value, k) => Math.round((Math.sqrt(lambda[k % hidden]!) * value) / step)),
  };
}
