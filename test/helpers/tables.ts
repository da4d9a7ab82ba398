import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** Row of a table, by column. */
export type Row = Record<string, number | string | boolean | null>;

/** Names of the four tables. */
export const tableNames = ['tokens', 'eigenvectors', 'extremes', 'histograms'] as const;
/** Tables of a run, row by row. */
export type Tables = Record<(typeof tableNames)[number], Row[]>;

/** The four tables of a run, row by row in file order, as DuckDB reads them. */
export async function readTables(directory: string): Promise<Tables> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const tables: Partial<Tables> = {};
  for (const name of tableNames) {
    const file = path.join(directory, `${name}.parquet`);
    const result = await connection.runAndReadAll(`SELECT * FROM read_parquet('${file}')`);
    tables[name] = result.getRowObjectsJS() as Row[];
  }
  connection.closeSync();
  return tables as Tables;
}
