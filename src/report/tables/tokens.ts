import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { type ReportHead, tokenFlags } from '../contents.js';
import { normErrorHistogram } from '../norm-errors.js';
import type { PackedArray } from '../packed-arrays.js';
import { packedTexts } from '../packed-texts.js';

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
      ...packedTexts(await tokens.values('text')),
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
