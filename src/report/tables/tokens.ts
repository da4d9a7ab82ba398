import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { NO_TEXT, type ReportHead, tokenFlags } from '../contents.js';
import { normErrorHistogram } from '../norm-errors.js';
import type { PackedArray } from '../packed-arrays.js';

/** Arrays of tokens.parquet but its directions, V rows in the order of their ids. */
export async function tokenArrays(tokens: ParquetColumns): Promise<{
  arrays: Record<string, PackedArray>;
  head: Pick<ReportHead, 'normError'>;
}> {
  return {
    arrays: {
      'token.norm': Float32Array.from(await tokens.numbers('norm')),
      'token.causal_norm': Float32Array.from(await tokens.numbers('causal_norm')),
      'token.duplicate_group': Int32Array.from(await tokens.numbers('duplicate_group'), (id) =>
        Number.isNaN(id) ? -1 : id,
      ),
      'token.flags': await flags(tokens),
      ...(await texts(tokens)),
    },
    head: { normError: normErrorHistogram(await tokens.numbers('norm_error')) },
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
