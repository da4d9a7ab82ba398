import path from 'node:path';
import type { ModelPlan } from '../input/model-plan.js';
import type { ModelOptions } from '../input/plan-model.js';
import { normWishOf, type RunOptions, type Subject } from './config.js';
import { isGenerated, planGenerated } from './generate-checkpoint.js';
import type { PlannedFile } from './planned-files.js';

/** Model of a run: on disk, on a hub, or yet to be made. */
export interface FoundModel extends Omit<ModelPlan, 'model' | 'fetch' | 'reason' | 'norm'> {
  name: string;
  revision: string | null;
  fetch: ModelPlan['fetch'] | null;
  /** Files of a checkpoint that is yet to be made. */
  files: PlannedFile[];
}

/** Way to find a model that a user names. */
export type FindModel = (
  model: string,
  asked: Pick<ModelOptions, 'tensor' | 'side' | 'rows' | 'headRows' | 'wish'>,
) => Promise<ModelPlan>;

/** Finds the model of a run; a made-up one is known before it is made. */
export async function findModel(
  options: Subject & Pick<RunOptions, 'tensor' | 'side' | 'rows' | 'headRows' | 'foldNorm' | 'normRule'>,
  find: FindModel,
): Promise<FoundModel> {
  if (options.synthetic !== undefined) return findGenerated(options.synthetic);
  const { model, tensor, side, rows, headRows } = options;
  return foundModel(await find(model, { tensor, side, rows, headRows, wish: normWishOf(options) }));
}

/** A model of which the plan is known. */
export function foundModel({ model: { name, revision }, norm: _, ...plan }: ModelPlan): FoundModel {
  return { ...plan, name, revision, files: [] };
}

/** A made-up model, which may be there already. */
export async function findGenerated({
  directory,
  ...recipe
}: NonNullable<Subject['synthetic']>): Promise<FoundModel> {
  const { shape, file } = planGenerated(directory, recipe);
  const files = (await isGenerated(directory, recipe)) ? [] : [file];
  return {
    name: path.basename(path.resolve(directory)),
    revision: null,
    shape: { ...shape, isFinal: true },
    bytesToDownload: 0,
    notes: [],
    normalisation: null,
    finalNorm: null,
    fetch: null,
    files,
  };
}
