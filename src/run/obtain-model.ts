import type { Checkpoint } from '../input/checkpoint.js';
import { planModel } from '../input/model-plan.js';
import type { RowSelection } from '../input/vocabulary-rows.js';
import type { RunContext } from './context.js';

/**
 * Finds the model that a user names and brings its matrix to this machine, as a stage of its own where there is
 * something to download.
 */
export async function obtainModel(
  model: string,
  options: { tensor: string | undefined; rows: RowSelection },
  { stopwatch, hub, note, signal }: Pick<RunContext, 'stopwatch' | 'hub' | 'note' | 'signal'>,
): Promise<Checkpoint> {
  const found = await stopwatch.time('inputs', undefined, async () => {
    const plan = await planModel(model, { ...options, hub, note, signal });
    const isHere = plan.bytesToDownload === 0;
    return { plan, checkpoint: isHere ? await plan.fetch(() => {}, signal) : null };
  });
  if (found.checkpoint !== null) return found.checkpoint;
  const { plan } = found;
  return stopwatch.time('download', plan.bytesToDownload, (advance) => plan.fetch(advance, signal), 'bytes');
}
