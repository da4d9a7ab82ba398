import { createHash } from 'node:crypto';
import path from 'node:path';
import { InputError } from '../../errors.js';
import { hashFile } from '../../files/hash-file.js';
import type { Weighting } from '../../plan/weighting.js';
import type { RowSource } from '../checkpoint.js';
import type { RecordedBias } from '../logit-bias.js';
import { openTokenizer } from '../tokenizer/open-tokenizer.js';
import { openCounts, readCounts } from './read-counts.js';
import { readState } from './read-state.js';

/** A weighting as a run records it. */
export interface WeightingRecord {
  kind: Weighting['kind'];
  /** The file that was given, absolute; null where none was. */
  path: string | null;
  /** Tensor of the file, or the bias of the logits; null where there is none. */
  tensor: string | null;
  /** SHA-256 (hex) of what the weights are made of beside the rows; null where they are made of the rows alone. */
  sha256: string | null;
  /** Share of the counts that is left out, whose texts stand for no token or for several; null where nothing is counted. */
  leftOut: number | null;
}

/** What most weightings have none of. */
const unmade = { path: null, tensor: null, sha256: null, leftOut: null };

/** What a weighting is made of, as far as it has been read: all but the rows. */
export interface ReadWeighting {
  record: WeightingRecord;
  /** Counts [V] of `tokenizer` and `counts`, the hidden state [d] of `softmax`; null of the others. */
  values: Float64Array | null;
  /** What a user should know. */
  notes: string[];
}

/** The checkpoint whose rows are weighed. */
export interface WeighedCheckpoint {
  /** Directory or file that was given. */
  place: string;
  /** V, of the rows that take part. */
  rows: number;
  /** d */
  hidden: number;
  /** Bias of the logits; null where there is none. */
  logitBias: RecordedBias | null;
  /** Whether a norm is folded in whose own bias is part of the logits' bias. */
  hasNormBias: boolean;
}

/** The checkpoint of a run as a weighting sees it. */
export function weighedCheckpoint({
  path: place,
  source: { rows, columns: hidden, fold },
  logitBias,
}: {
  path: string;
  source: RowSource;
  logitBias: RecordedBias | null;
}): WeighedCheckpoint {
  return { place, rows, hidden, logitBias, hasNormBias: fold !== undefined && fold.bias !== null };
}

/** Whether the weights are made of the bias of the logits as well. */
export function needsLogitBias(weighting: Weighting | null): boolean {
  return weighting?.kind === 'bias' || weighting?.kind === 'softmax';
}

/**
 * Reads what a weighting is made of.
 *
 * @throws InputError where there is nothing to weigh by: no tokenizer, no bias, a file that does not fit
 */
export async function readWeighting(
  { kind, path: given }: Weighting,
  checkpoint: WeighedCheckpoint,
): Promise<ReadWeighting> {
  const { place, rows, hidden, logitBias } = checkpoint;
  switch (kind) {
    case 'unique':
      return { record: { ...unmade, kind }, values: null, notes: [] };
    case 'tokenizer': {
      const values = await tokenMask(place, rows);
      return { record: { ...unmade, kind, sha256: hashOf(values) }, values, notes: [] };
    }
    case 'counts': {
      const { counts, leftOut, notes } = await readCounts(given, rows, () => openTokenizer(place));
      const sha256 = hashOf(await hashFile(given, 'the counts of tokens'), counts);
      const record = { ...unmade, kind, path: path.resolve(given), sha256, leftOut };
      return { record, values: counts, notes };
    }
    case 'bias': {
      if (logitBias === null && !checkpoint.hasNormBias)
        throw new InputError(
          `${place}: rows are to be weighed by the bias of the logits, and the model has none that can be read; ` +
            '`inspect` shows it. Choose another --weights',
        );
      const { tensor, sha256 } = logitBias ?? { tensor: null, sha256: null };
      return { record: { ...unmade, kind, tensor, sha256 }, values: null, notes: [] };
    }
    case 'softmax': {
      const { state, tensor } = await readState(given, hidden);
      const sha256 = hashOf(...(logitBias === null ? [] : [logitBias.sha256]), state);
      return {
        record: { ...unmade, kind, path: path.resolve(given), tensor, sha256 },
        values: state,
        notes: [],
      };
    }
  }
}

/**
 * Refuses the file of a weighting that is not there or cannot be what it is for, before a model is downloaded or read.
 *
 * @param hidden d
 * @throws InputError
 */
export async function refuseUnusable({ kind, path: given }: Weighting, hidden: number): Promise<void> {
  if (kind === 'counts') await openCounts(given);
  if (kind === 'softmax') await readState(given, hidden);
}

/** 1 for the rows that have a token, 0 for the others, [V]. */
async function tokenMask(place: string, rows: number): Promise<Float64Array> {
  const tokenizer = await openTokenizer(place);
  if (tokenizer === null) {
    throw new InputError(
      `${place}: rows are to be weighed by whether the tokenizer has a token for them, but there is no tokenizer.json (nor ` +
        'another file of a tokenizer) beside the weights; add it, or choose another --weights',
    );
  }
  const mask = Float64Array.from({ length: rows }, (_, id) => (tokenizer.has(id) ? 1 : 0));
  if (mask.includes(1)) return mask;
  throw new InputError(`${place}: the tokenizer has a token for none of the rows; choose another --weights`);
}

/** SHA-256 (hex) of texts and of numbers, as they lie in memory. */
function hashOf(...parts: (string | Float64Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts)
    hash.update(
      typeof part === 'string' ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    );
  return hash.digest('hex');
}

/**
 * Reads again what a run was planned to be weighed by.
 *
 * @throws InputError where it is not what it was then
 */
export async function readRecordedWeighting(
  record: WeightingRecord,
  checkpoint: WeighedCheckpoint,
): Promise<Float64Array | null> {
  const read = await readWeighting(record as Weighting, checkpoint);
  if (read.record.sha256 === record.sha256) return read.values;
  throw new InputError(
    `${record.path ?? checkpoint.place}: the weights of the rows were planned of other ${record.kind === 'tokenizer' ? 'tokens' : 'numbers'} than ` +
      'are there now: their SHA-256 differs. Put the former ones there, or plan the run again with --overwrite',
  );
}
