import path from 'node:path';
import test from 'ava';
import { columnsOf, describedColumns } from '../helpers/described-columns.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { tableNames } from '../helpers/tables.js';

for (const table of tableNames) {
  test(`docs/tables.md describes the columns of ${table}.parquet, their types, and no others`, async (t) => {
    const { directory } = await runWithTables(t);
    const found = await columnsOf(path.join(directory, `${table}.parquet`));
    t.deepEqual(describedColumns('docs/tables.md', table), found);
  });
}
