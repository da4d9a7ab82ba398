import { DuckDBInstance } from '@duckdb/node-api';
import { documentNamed } from './documents.js';

/** The types as DuckDB calls them. */
const types: Readonly<Record<string, string>> = {
  int32: 'INTEGER',
  double: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
};

/** The columns that a document describes of a table, with their types. */
export function describedColumns(document: string, table: string): Record<string, string> {
  const [, rest = ''] = documentNamed(document).text.split(`## ${table}.parquet\n`);
  const [section = ''] = rest.split(/\n###? /);
  const rows = [...section.matchAll(/^\| (`.*?) +\| (\w+) +\|/gm)];
  return Object.fromEntries(
    rows.flatMap(([, names = '', type = '']) => namesIn(names).map((name) => [name, types[type]!])),
  );
}

/** `a`, `b` are two names; `a_1`, ..., `a_8` are eight. */
function namesIn(cell: string): string[] {
  const names = [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  if (!cell.includes('...')) return names;
  const [first, last] = names.map((name) => Number(/\d+/.exec(name)?.[0]));
  return Array.from({ length: last! - first! + 1 }, (_, k) => names[0]!.replace(/\d+/, String(first! + k)));
}

/** The columns of a Parquet file, with their types, as DuckDB reads them. */
export async function columnsOf(file: string): Promise<Record<string, string>> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet('${file}')`);
  connection.closeSync();
  const columns = result.getRowObjectsJS().map(({ column_name, column_type }) => [column_name, column_type]);
  return Object.fromEntries(columns);
}
