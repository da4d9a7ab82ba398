import { InputError } from '../../errors.js';
import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { NO_TEXT, type ReportHead, tokenFlags } from '../contents.js';
import { normErrorHistogram } from '../norm-errors.js';
import type { PackedArray } from '../packed-arrays.js';

/** Directions of all tokens that a page holds at most: 8 a token of a vocabulary of 151,936. */
const MAX_DIRECTIONS = 151_936 * 8;

/** Steps up to the largest in which z of a token's directions is kept: half a step is the loss. */
const DIRECTION_STEPS = 2047;

/** Arrays of tokens.parquet, V rows in the order of their ids. */
export async function tokenArrays(tokens: ParquetColumns): Promise<{
  arrays: Record<string, PackedArray>;
  head: Pick<ReportHead, 'directions' | 'directionStep' | 'normError'>;
}> {
  const directions = await directionArrays(tokens);
  return {
    arrays: {
      'token.norm': Float32Array.from(await tokens.numbers('norm')),
      'token.causal_norm': Float32Array.from(await tokens.numbers('causal_norm')),
      'token.duplicate_group': Int32Array.from(await tokens.numbers('duplicate_group'), (id) =>
        Number.isNaN(id) ? -1 : id,
      ),
      'token.flags': await flags(tokens),
      ...(await texts(tokens)),
      ...directions.arrays,
    },
    head: { ...directions.head, normError: normErrorHistogram(await tokens.numbers('norm_error')) },
  };
}

async function flags(tokens: ParquetColumns): Promise<Uint8Array> {
  const orphans = await tokens.values('is_orphan');
  const specials = await tokens.values('is_special');
  return Uint8Array.from(
    { length: tokens.rows },
    (_, i) => (orphans[i] === true ? tokenFlags.orphan : 0) | (specials[i] === true ? tokenFlags.special : 0),
  );
}

async function texts(tokens: ParquetColumns): Promise<Record<string, PackedArray>> {
  const given = await tokens.values('text');
  const encoded = Array.from({ length: tokens.rows }, (_, i) => {
    const text = given[i];
    return typeof text === 'string' ? Buffer.from(text) : null;
  });
  return {
    'token.text': new Uint8Array(Buffer.concat(encoded.filter((bytes) => bytes !== null))),
    'token.text_bytes': Int32Array.from(encoded, (bytes) => bytes?.length ?? NO_TEXT),
  };
}

async function directionArrays(tokens: ParquetColumns): Promise<{
  arrays: Record<string, PackedArray>;
  head: Pick<ReportHead, 'directions' | 'directionStep'>;
}> {
  let stored = 0;
  while (tokens.names.includes(`direction_${stored + 1}`)) stored++;
  if (stored === 0) throw new InputError('tokens.parquet: has no column "direction_1". Make the run again');
  const shown = Math.max(1, Math.min(stored, Math.floor(MAX_DIRECTIONS / tokens.rows)));
  const indices = new Uint16Array(shown * tokens.rows);
  const steps = new Int16Array(shown * tokens.rows);
  let directionStep = 0;
  for (let place = 0; place < shown; place++) {
    const z = await tokens.numbers(`direction_${place + 1}_z`);
    // The first ones are the largest of their tokens.
    if (place === 0)
      directionStep = z.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / DIRECTION_STEPS || 1;
    indices.set(Uint16Array.from(await tokens.numbers(`direction_${place + 1}`)), place * tokens.rows);
    for (let i = 0; i < z.length; i++) steps[place * tokens.rows + i] = Math.round(z[i]! / directionStep);
  }
  return {
    arrays: { 'token.direction': indices, 'token.direction_z': steps },
    head: { directions: { shown, stored }, directionStep },
  };
}
