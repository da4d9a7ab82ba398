import type { Checkpoint } from '../input/checkpoint.js';
import type { HeadRows } from '../input/head-rows.js';
import type { ModelPlan } from '../input/model-plan.js';
import { planModel } from '../input/plan-model.js';
import type { RowSelection } from '../input/vocabulary-rows.js';
import type { RunContext } from './context.js';

/**
 * Finds the model that a user names and brings its matrix to this machine, as a stage of its own where there is
 * something to download.
 *
 * @param admit refuses what has been found, before anything is downloaded
 */
export async function obtainModel(
  model: string,
  options: { tensor: string | undefined; rows: RowSelection; headRows: HeadRows | undefined },
  { stopwatch, hub, note, signal }: Pick<RunContext, 'stopwatch' | 'hub' | 'note' | 'signal'>,
  admit: (plan: ModelPlan) => Promise<void> = async () => {},
): Promise<Checkpoint> {
  const found = await stopwatch.time('inputs', undefined, async () => {
    const plan = await planModel(model, { ...options, hub, note, signal });
    await admit(plan);
    const isHere = plan.bytesToDownload === 0;
    return { plan, checkpoint: isHere ? await plan.fetch(() => {}, signal) : null };
  });
  if (found.checkpoint !== null) return found.checkpoint;
  const { plan } = found;
  return stopwatch.time('download', plan.bytesToDownload, (advance) => plan.fetch(advance, signal), 'bytes');
}
