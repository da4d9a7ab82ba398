import { EigenshardError, InputError } from '../errors.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import type { Comparison } from '../output/comparison-folder.js';
import { type EigenbasisOnDisk, readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import type { Manifest } from '../output/manifest.js';
import type { Texts } from '../tables/align-vocabularies.js';
import type { RunContext } from './context.js';
import { RecentVocabularies } from './recent-vocabularies.js';
import { findRecordedModel, readRecordedModel, whereElse } from './recorded-model.js';

/** One of two runs that are compared. */
export interface ComparedSide {
  /** Directory of the run, absolute. */
  directory: string;
  manifest: Manifest;
  basis: EigenbasisOnDisk;
  /** Rows as the run used them, of the checkpoint that it was made from. */
  source: RowSource;
  /** Mean of all rows, [d]. */
  mean: Float64Array;
  texts: Texts;
}

/** Which run is compared, and where its checkpoint lies now. */
export interface WantedSide {
  directory: string;
  manifest: Manifest;
  /** Undefined where the run recorded it. */
  moved: string | undefined;
  /** Option that says so, as 'model-a'; null where none does. */
  option: string | null;
}

/**
 * Opens a run with the rows that it was made from: basis and checkpoint are known to be the recorded ones. Projections are
 * not needed.
 *
 * @param vocabularies of checkpoints that were opened before, whose tokenizer may be the same
 * @throws InputError where the checkpoint is not at hand, or is another one
 */
export async function openSide(
  { directory, manifest, moved, option }: WantedSide,
  context: RunContext,
  vocabularies = new RecentVocabularies(),
): Promise<ComparedSide> {
  await refuseDamagedBasis(directory, manifest);
  const basis = await readEigenbasis(directory, manifest.model.hidden, manifest.eigenbasis);
  const checkpoint = await findCheckpoint({ directory, manifest, moved, option }, context);
  const { source, scan } = await readRecordedModel(
    manifest,
    checkpoint,
    { hashRows: false, option },
    context,
  );
  const { texts, isByte } = await vocabularies.of(checkpoint.path, source.rows);
  return {
    ...{ directory, manifest, basis, source, mean: scan.mean },
    texts: { texts, isByte, isKnown: texts.some((text) => text !== null), name: directory },
  };
}

/** What is recorded of a run. */
export function recordOfSide({ directory, manifest }: ComparedSide): Comparison['a'] {
  const { model, metric, fingerprint, options, weights } = manifest;
  const { name, tensor, dtype, rows, hidden, contentSha256, norm } = model;
  return {
    ...{ directory, fingerprint, model: name, tensor, dtype, rows, hidden, contentSha256, norm },
    side: options.side,
    normalisation: model.normalisation,
    metric: metric.source,
    metricSha256: metric.sha256,
    ridge: metric.ridge,
    secondMoment: metric.source === 'computed' ? metric.secondMoment : null,
    weights: weights === null ? null : { kind: weights.kind, sha256: weights.sha256 },
  };
}

async function findCheckpoint(
  { directory, manifest, moved, option }: WantedSide,
  context: RunContext,
): Promise<Checkpoint> {
  try {
    return await findRecordedModel(manifest, moved, context);
  } catch (error) {
    if (!(error instanceof EigenshardError) || error.kind !== 'input') throw error;
    if (moved !== undefined)
      throw new InputError(`--${option}, the checkpoint of ${directory}: ${error.message}`, { cause: error });
    throw new InputError(
      `${directory}: its rows are read from the checkpoint that it was made from, and that is not found: ${error.message}. ` +
        whereElse(option),
      { cause: error },
    );
  }
}
