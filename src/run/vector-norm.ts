import { foldSource, type NormRecord } from '../input/norm/fold-source.js';
import type { NormRule } from '../input/norm/norm-rules.js';
import type { Fold } from '../linalg/fold.js';
import type { Manifest } from '../output/manifest.js';
import type { VectorSpace } from '../plan/vector-kind.js';
import type { RunContext } from './context.js';
import { obtainIfThere } from './obtain-model.js';
import { readRecordedModel } from './recorded-model.js';

/** The final norm that vectors are taken through. */
export interface VectorNorm {
  fold: Fold;
  record: NormRecord;
}

/** Where vectors lie, and what is said of the norm. */
export interface NormOfVectors {
  space: VectorSpace;
  /** Where the checkpoint, of which the final norm is read, lies now; undefined where the run recorded it. */
  model?: string | undefined;
  /** What the final norm is, where the user says it. */
  normRule?: NormRule | undefined;
}

/** Whether the final norm is read of the checkpoint: for vectors before it, where the rows are those behind it. */
export function isNormRead(space: VectorSpace, { norm }: Pick<Manifest['model'], 'norm'>): boolean {
  return space === 'residual' && norm === null;
}

/**
 * Reads the final norm of the checkpoint for vectors that lie before it, unless it is folded into the rows already. The
 * checkpoint is compared with the run first.
 *
 * @returns null where vectors meet the rows as they are
 * @throws InputError where it is not at hand, is another one, or has no norm that is known
 */
export async function readVectorNorm(
  { manifest, context }: { manifest: Manifest; context: RunContext },
  { space, model: moved, normRule: rule }: NormOfVectors,
): Promise<VectorNorm | null> {
  const { model, options } = manifest;
  if (!isNormRead(space, model)) return null;
  const tensor = model.tensor ?? undefined;
  const wish = { isFolded: true, rule };
  const asked = { tensor, side: options.side, rows: options.rows, headRows: undefined, wish };
  const checkpoint = await obtainIfThere(moved ?? model.path, asked, context);
  await readRecordedModel(manifest, { ...checkpoint, finalNorm: null }, { hashRows: false }, context);
  const { source, norm } = await foldSource(checkpoint.source, checkpoint.finalNorm);
  return { fold: source.fold!, record: norm! };
}
