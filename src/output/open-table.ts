import path from 'node:path';
import { InputError } from '../errors.js';
import { openParquetColumns, type ParquetColumns } from '../formats/parquet-columns.js';
import { TABLE_NAMES, type TableName } from './manifest.js';

/** A query cannot use `lambda` as it stands: it is a word of SQL. */
const formerNames: Readonly<Partial<Record<TableName, Readonly<Record<string, string>>>>> = {
  eigenvectors: { eigenvalue: 'lambda' },
};

/** Names that columns of a table had in runs that were made earlier, by the name that they have now. */
export function formerColumns(table: TableName): Readonly<Record<string, string>> {
  return formerNames[table] ?? {};
}

/**
 * Opens a table of the run in `directory`, of which only the footer is read. Its columns have today's names, also
 * where the file has former ones.
 *
 * @param rows how many it must have, where that is known
 * @throws InputError where it is missing, damaged, or of another length
 */
export async function openTable(directory: string, table: TableName, rows?: number): Promise<ParquetColumns> {
  const file = path.join(directory, TABLE_NAMES[table]);
  const columns = await openParquetColumns(file, `the table ${table}`);
  if (rows !== undefined && columns.rows !== rows) {
    throw new InputError(`${file}: holds ${columns.rows} rows, not ${rows}. Make the run again`);
  }
  return withTodaysNames(columns, formerColumns(table));
}

function withTodaysNames(columns: ParquetColumns, former: Readonly<Record<string, string>>): ParquetColumns {
  const renamed = Object.entries(former).filter(([, stored]) => columns.names.includes(stored));
  const stored = new Map(renamed);
  const today = new Map(renamed.map(([name, was]) => [was, name]));
  return {
    rows: columns.rows,
    names: columns.names.map((name) => today.get(name) ?? name),
    values: (name) => columns.values(stored.get(name) ?? name),
    numbers: (name) => columns.numbers(stored.get(name) ?? name),
  };
}
