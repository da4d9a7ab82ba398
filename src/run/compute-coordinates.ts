import { freivaldsProbe } from '../checks/probe.js';
import { randomSigns } from '../checks/random-signs.js';
import { runTasks } from '../executor/executor.js';
import type { CoordinatesInput } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { coordinateUnits } from '../plan/vector-units.js';
import { vectorPasses } from '../tables/vector-geometry.js';
import { emptyVectorPart, placeVectorPart, type VectorPart } from '../tables/vector-part.js';
import type { RunContext } from './context.js';
import type { CoordinateDeviations } from './vector-checks.js';

/** Seed of the probe of the duals, fixed as that of the coordinates is. */
const DUAL_SEED = 0x1b873593;

/**
 * Computes coordinates and duals of vectors on the pool, block by block, and gathers the figures of all.
 *
 * @param input of every task but its rows and its probes
 * @param eigenvectors V, float32 [d, d] row-major
 */
export async function computeCoordinates(
  input: Omit<CoordinatesInput, 'rows' | 'probe'>,
  eigenvectors: Float32Array,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<{ part: VectorPart; deviations: CoordinateDeviations }> {
  const { count, hidden: d } = input.source;
  const dualVector = randomSigns(d, DUAL_SEED).map((sign) => sign / Math.sqrt(d));
  const probe = {
    ...freivaldsProbe(eigenvectors, d),
    dualVector,
    dualImage: rowTimesMatrix(dualVector, eigenvectors),
  };
  const units = coordinateUnits(count);
  const inputs = units.map((rows) => ({ ...input, rows, probe }));
  const part = emptyVectorPart(count, input.places, vectorPasses(input.kind, input.spectrum).length);
  const deviations = { norm: 0, probe: 0, dual: 0 };
  await stopwatch.time('coordinates', count, (advance) =>
    runTasks(tellRows(executor, advance), 'coordinates', inputs, (result, index) => {
      placeVectorPart(part, result.part, units[index]!.first);
      for (const name of ['norm', 'probe', 'dual'] as const)
        if (!(result.deviations[name] <= deviations[name])) deviations[name] = result.deviations[name];
    }),
  );
  return { part, deviations };
}
