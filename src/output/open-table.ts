import { InputError } from '../errors.js';
import { openParquetColumns, type ParquetColumns } from '../formats/parquet-columns.js';
import { type Manifest, TABLE_NAMES, type TableName } from './manifest.js';
import { refuseDamaged } from './refuse-damaged.js';
import { placeOf } from './staged-files.js';

/** Tables of a run, and where they lie. */
export interface TablesOfRun {
  directory: string;
  tables: Pick<NonNullable<Manifest['tables']>, 'files'>;
}

/** The error for a run that has no tables. */
export function withoutTables(directory: string): InputError {
  return new InputError(
    `${directory}: has no tables (--tables none); \`eigenshard export ${directory} --tables all\` adds them`,
  );
}

/** A query cannot use `lambda` as it stands: it is a word of SQL. */
const formerNames: Readonly<Partial<Record<TableName, Readonly<Record<string, string>>>>> = {
  eigenvectors: { eigenvalue: 'lambda' },
};

/** Names that columns of a table had in runs that were made earlier, by the name that they have now. */
export function formerColumns(table: TableName): Readonly<Record<string, string>> {
  return formerNames[table] ?? {};
}

/**
 * Opens a table of a run, once it is known to be as the run wrote it. Its columns have today's names, also where the
 * file has former ones.
 *
 * @param rows how many it must have, where that is known
 * @throws InputError where it is missing, damaged, or of another length
 */
export async function openTable(
  { directory, tables }: TablesOfRun,
  table: TableName,
  rows?: number,
): Promise<ParquetColumns> {
  const name = TABLE_NAMES[table];
  const record = tables.files.find((file) => file.path === name);
  if (record === undefined) throw withoutTables(directory);
  const file = placeOf(directory, record);
  await refuseDamaged(file, record);
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
    values: (name, range) => columns.values(stored.get(name) ?? name, range),
    numbers: (name, range) => columns.numbers(stored.get(name) ?? name, range),
  };
}
