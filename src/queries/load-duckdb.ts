import { InputError } from '../errors.js';

/**
 * Loads DuckDB for texts as they are stored. Its JavaScript side decodes every string, also inside of lists and
 * structs, with one TextDecoder that takes a leading U+FEFF for a byte order mark and drops it; here it keeps it.
 * @throws InputError where DuckDB is not installed, or not in the version of package.json
 */
export async function loadDuckDB(): Promise<typeof import('@duckdb/node-api')> {
  try {
    const { textDecoder } = await import('@duckdb/node-api/lib/vectors/dataAccessors.js');
    const exact = new TextDecoder('utf-8', { ignoreBOM: true });
    textDecoder.decode = (bytes: Uint8Array) => exact.decode(bytes);
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new InputError(
      'sql: needs DuckDB, an optional package that is not installed here. Install it with ' +
        '`npm install --include=optional`, or open the Parquet files with another tool',
      { cause },
    );
  }
}
