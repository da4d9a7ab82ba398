import { existsSync } from 'node:fs';
import { EigenshardError, errorOfKind } from '../errors.js';
import { parseHubReference } from '../hub/reference.js';
import type { HubSettings } from '../hub/settings.js';
import type { RowSelection } from '../plan/row-selection.js';
import { chooseHeadRows, type HeadRows } from './head-rows.js';
import type { AskedMatrix } from './matrix/matrix-side.js';
import { localPlan, type ModelPlan } from './model-plan.js';
import { chooseFold } from './norm/choose-fold.js';
import type { NormWish } from './norm/find-norm.js';
import { explainCheckpoint } from './open-checkpoint.js';
import { planHubModel } from './plan-hub-model.js';
import { selectRows } from './vocabulary-rows.js';

/** Options of finding a model. */
export interface ModelOptions extends AskedMatrix {
  hub: HubSettings;
  /** The rows to take, by default all. */
  rows?: RowSelection | undefined;
  /** The rows as stored or as normalised; by default as the model uses them. */
  headRows?: HeadRows | undefined;
  /** What is wanted of the final norm; by default nothing. */
  wish?: NormWish | undefined;
  /** Shows a line to the person who watches: of a wait, of a file that is downloaded again. */
  note?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds a model and its unembedding matrix. Of the weights nothing is read but headers.
 *
 * @param model path of a Hugging Face directory, of a file of weights or of a .npy file; where there is no such path, a
 * model of the hub: 'owner/name' or 'owner/name@revision'
 * @throws InputError or RunError as explainCheckpoint, planHubModel and selectRows
 */
export async function planModel(model: string, options: ModelOptions): Promise<ModelPlan> {
  const { hub, tensor, side, rows = 'all', headRows, wish, note = () => {}, signal } = options;
  const reference = existsSync(model) ? null : parseHubReference(model);
  if (reference !== null) {
    try {
      return await planHubModel(reference, hub, {
        asked: { tensor, side },
        rows,
        headRows,
        wish,
        note,
        signal,
      });
    } catch (error) {
      throw withAbsence(model, error);
    }
  }
  const { others: _, reason, norm, ...opened } = await explainCheckpoint(model, { tensor, side, wish });
  const chosen = chooseFold(chooseHeadRows(opened, headRows), norm, wish);
  return localPlan(await selectRows(chosen, rows), { reason, norm });
}

/** Adds to a refusal of the hub that there is no such path either: a mistyped one of two names reads like a model. */
function withAbsence(model: string, error: unknown): unknown {
  if (!(error instanceof EigenshardError)) return error;
  const message = `${model}: there is no such file or directory, and as a model of the hub: ${error.message}`;
  return errorOfKind(error.kind, message, { cause: error });
}
