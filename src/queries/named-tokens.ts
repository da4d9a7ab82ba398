import type { ParquetColumns } from '../formats/parquet-columns.js';
import type { NamedTokens } from '../input/tokenizer/ids-of-texts.js';

/** Reads what texts are looked up in. @param table tokens.parquet */
export async function namedTokens(table: ParquetColumns): Promise<NamedTokens> {
  return {
    texts: await table.values('text'),
    // Runs of former versions do not know it.
    isByte: table.names.includes('is_byte') ? await table.values('is_byte') : null,
  };
}
