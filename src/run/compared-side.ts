import { EigenshardError, InputError } from '../errors.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { type EigenbasisOnDisk, readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import type { Manifest } from '../output/manifest.js';
import type { Texts } from '../tables/align-vocabularies.js';
import { readVocabulary } from '../tables/vocabulary.js';
import type { RunContext } from './context.js';
import { findRecordedModel, readRecordedModel } from './recorded-model.js';

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
  /** Option that says so: 'model-a' or 'model-b'. */
  option: string;
}

/**
 * Opens a run with the rows that it was made from: basis and checkpoint are known to be the recorded ones. Projections are
 * not needed.
 *
 * @throws InputError where the checkpoint is not at hand, or is another one
 */
export async function openSide(
  { directory, manifest, moved, option }: WantedSide,
  context: RunContext,
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
  const { texts } = await readVocabulary(checkpoint.path, source.rows);
  return {
    ...{ directory, manifest, basis, source, mean: scan.mean },
    texts: { texts, isKnown: texts.some((text) => text !== null), name: directory },
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
        `If it lies elsewhere now, give --${option}`,
      { cause: error },
    );
  }
}
