import type { Checkpoint } from '../input/checkpoint.js';
import type { HeadRows } from '../input/head-rows.js';
import type { MatrixSide } from '../input/matrix/matrix-side.js';
import type { ModelPlan } from '../input/model-plan.js';
import type { NormWish } from '../input/norm/find-norm.js';
import { planModel } from '../input/plan-model.js';
import type { RowSelection } from '../plan/row-selection.js';
import type { RunContext } from './context.js';

/** Which matrix of a model is wanted. */
interface Wanted {
  tensor: string | undefined;
  side: MatrixSide;
  rows: RowSelection;
  headRows: HeadRows | undefined;
  /** What is wanted of the final norm. */
  wish: NormWish | undefined;
}

type Context = Pick<RunContext, 'stopwatch' | 'hub' | 'note' | 'signal'>;

/** A model that has been found; its checkpoint is null where there is something to download. */
interface Found {
  plan: ModelPlan;
  checkpoint: Checkpoint | null;
}

/**
 * Finds the model that a user names and brings its matrix to this machine, as a stage of its own where there is
 * something to download.
 *
 * @param admit refuses what has been found, before anything is downloaded
 */
export async function obtainModel(
  model: string,
  wanted: Wanted,
  context: Context,
  admit: (plan: ModelPlan) => Promise<void> = async () => {},
): Promise<Checkpoint> {
  const found = await context.stopwatch.time('inputs', undefined, () => find(model, wanted, context, admit));
  return download(found, context);
}

/** Obtains a model that may not be at hand, which is no failure: to find it is no stage that is shown. */
export async function obtainIfThere(model: string, wanted: Wanted, context: Context): Promise<Checkpoint> {
  return download(await find(model, wanted, context, async () => {}), context);
}

async function find(
  model: string,
  wanted: Wanted,
  { hub, note, signal }: Context,
  admit: (plan: ModelPlan) => Promise<void>,
): Promise<Found> {
  const plan = await planModel(model, { ...wanted, hub, note, signal });
  await admit(plan);
  const isHere = plan.bytesToDownload === 0;
  return { plan, checkpoint: isHere ? await plan.fetch(() => {}, signal) : null };
}

async function download({ plan, checkpoint }: Found, { stopwatch, signal }: Context): Promise<Checkpoint> {
  if (checkpoint !== null) return checkpoint;
  return stopwatch.time('download', plan.bytesToDownload, (advance) => plan.fetch(advance, signal), 'bytes');
}
