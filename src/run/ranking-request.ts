import { createHash } from 'node:crypto';
import type { BackendIdentity } from '../linalg/backend/backend.js';
import { processorClass } from '../linalg/backend/processor-class.js';
import type { Manifest } from '../output/manifest.js';
import { rankingUnits } from '../plan/vector-units.js';
import { LISTS } from '../tables/extremes.js';
import type { AskedProjection } from './kept-projection.js';

/**
 * SHA-256 (hex) of all that decides, to the last bit, what the units of a ranking find: what is asked for, the bytes of the run
 * that it is asked of, how the work is divided, and what computes.
 */
export function rankingRequest(
  asked: AskedProjection,
  { partitions, tables, model }: Pick<Manifest, 'partitions' | 'tables' | 'model'>,
  kernels: BackendIdentity,
): string {
  const files = [...partitions.flatMap((partition) => partition.files), ...(tables?.files ?? [])];
  const places = Math.min(asked.top ?? 0, model.rows);
  const units = rankingUnits(asked.vectors.count, partitions.length, LISTS * places);
  const decides = [asked, files.map(({ sha256 }) => sha256), units, kernels, processorClass()];
  return createHash('sha256').update(JSON.stringify(decides)).digest('hex');
}
