import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { documentNamed } from '../helpers/documents.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { tableNames } from '../helpers/tables.js';

/** The types as DuckDB calls them. */
const types: Readonly<Record<string, string>> = {
  int32: 'INTEGER',
  double: 'DOUBLE',
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
};

/** The columns that docs/tables.md describes of a table, with their types. */
function describedColumns(table: string): Record<string, string> {
  const [, rest = ''] = documentNamed('docs/tables.md').text.split(`## ${table}.parquet\n`);
  const [section = ''] = rest.split('\n## ');
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

for (const table of tableNames) {
  test(`docs/tables.md describes the columns of ${table}.parquet, their types, and no others`, async (t) => {
    const { directory } = await runWithTables(t);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const file = path.join(directory, `${table}.parquet`);
    const result = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet('${file}')`);
    const columns = result
      .getRowObjectsJS()
      .map(({ column_name, column_type }) => [column_name, column_type]);
    connection.closeSync();
    t.deepEqual(describedColumns(table), Object.fromEntries(columns));
  });
}
