import type { Backend } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import type { Manifest } from '../output/manifest.js';

/**
 * Chooses what multiplies where something is computed of a finished run: what computed the run, as far as it is at hand. A
 * device is not asked for again: it may be gone, and it has no float64 products.
 *
 * @param note is told what was passed over, and why
 */
export async function chooseBackendOf(
  { execution: { kernels } }: Pick<Manifest, 'execution'>,
  note: (line: string) => void,
): Promise<Backend> {
  return chooseBackend({ backend: 'auto', recorded: kernels.backend === 'webgpu' ? null : kernels }, note);
}
