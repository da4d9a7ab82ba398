import path from 'node:path';
import { InputError } from '../errors.js';
import { openParquetColumns, type ParquetColumns } from '../formats/parquet-columns.js';
import { TABLE_NAMES, type TableName } from './manifest.js';

/**
 * Opens a table of the run in `directory`, of which only the footer is read.
 * @param rows how many it must have, where that is known
 * @throws InputError where it is missing, damaged, or of another length
 */
export async function openTable(directory: string, table: TableName, rows?: number): Promise<ParquetColumns> {
  const file = path.join(directory, TABLE_NAMES[table]);
  const columns = await openParquetColumns(file, `the table ${table}`);
  if (rows !== undefined && columns.rows !== rows) {
    throw new InputError(`${file}: holds ${columns.rows} rows, not ${rows}. Make the run again`);
  }
  return columns;
}
