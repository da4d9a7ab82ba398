import { InputError } from '../errors.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { type RecordedBias, recordBias } from '../input/logit-bias.js';
import { foldSource } from '../input/norm/fold-source.js';
import type { Scan } from '../input/scan.js';
import type { Manifest } from '../output/manifest.js';
import { SCAN_ROWS } from '../plan/plan-run.js';
import { splitRows } from '../plan/row-ranges.js';
import type { RunContext } from './context.js';
import { normaliseSource } from './normalise-source.js';
import { obtainIfThere } from './obtain-model.js';
import { scanCheckpoint } from './scan-checkpoint.js';

/** The checkpoint of a finished run, found and read again. */
export interface RecordedModel {
  /** Its rows as the run used them. */
  source: RowSource;
  scan: Scan;
  /** Bias of the logits; null where the run has recorded none. */
  recordedBias: RecordedBias | null;
}

/** An input that can be opened, but is not the one that the run was made from. */
export class OtherInput extends InputError {}

/**
 * The error for an input that is another one.
 *
 * @param option that says where it lies; null where none does
 */
export function otherInput(place: string, option: string | null, difference: string): InputError {
  return new OtherInput(`${place}: is not what this run was made from (${difference}). ${whereElse(option)}`);
}

/** Says what to do about an input that is not where it was. */
export function whereElse(option: string | null): string {
  return option === null ? 'Put it back there' : `If it lies elsewhere now, give --${option}`;
}

/**
 * Finds the checkpoint that a finished run was made from.
 *
 * @param moved where it lies now, if not where the run recorded it
 */
export async function findRecordedModel(
  { model, options }: Manifest,
  moved: string | undefined,
  context: RunContext,
): Promise<Checkpoint> {
  const { norm } = model;
  const asked = {
    tensor: model.tensor ?? undefined,
    side: options.side,
    rows: options.rows,
    headRows: undefined,
    // As the run was told or has found it, wherever the configuration is by now.
    wish: norm === null ? undefined : { isFolded: true, rule: norm.rule, by: 'the manifest of the run' },
  };
  return obtainIfThere(moved ?? model.path, asked, context);
}

/**
 * Reads all weights of a checkpoint, to be sure that it is the one that a finished run was made from.
 *
 * @param options.hashRows whether the scan is to tell equal rows
 * @param options.option that says where the checkpoint lies now, by default 'model'; null where none does
 * @throws OtherInput where it is another one
 */
export async function readRecordedModel(
  { model }: Manifest,
  checkpoint: Checkpoint,
  { hashRows, option = 'model' }: { hashRows: boolean; option?: string | null },
  context: RunContext,
): Promise<RecordedModel> {
  const { executor, stopwatch } = context;
  const place = checkpoint.path;
  const { source: stored, storedRows } = checkpoint;
  if (stored.rows !== model.rows || stored.columns !== model.hidden) {
    throw otherInput(
      place,
      option,
      `${stored.rows} x ${stored.columns}, not ${model.rows} x ${model.hidden}`,
    );
  }
  const { normalisation } = model;
  const normalised = await normaliseSource({ source: stored, storedRows, normalisation }, context);
  // What a former version has not recorded, or a run without tables, is not known to be another.
  const bias = model.logitBias === null ? null : await recordBias(checkpoint.logitBias);
  if (bias?.sha256 !== model.logitBias?.sha256)
    throw otherInput(place, option, 'the bias of the logits differs');
  const { source, norm } = await foldSource(normalised, checkpoint.finalNorm);
  const isOther = norm?.sha256 !== model.norm?.sha256 || norm?.bias?.sha256 !== model.norm?.bias?.sha256;
  if (isOther) throw otherInput(place, option, 'the final norm differs');
  const scan = await stopwatch.time('scan', source.rows, (advance) =>
    scanCheckpoint(executor, source, splitRows(source.rows, SCAN_ROWS), { hashRows }, advance),
  );
  if (scan.contentSha256 !== model.contentSha256) throw otherInput(place, option, 'the weights differ');
  return { source, scan, recordedBias: bias };
}
