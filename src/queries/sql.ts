import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DuckDBConnection, Json } from '@duckdb/node-api';
import { EigenshardError, InputError } from '../errors.js';
import type { Manifest } from '../output/manifest.js';
import { TABLE_NAMES } from '../output/manifest.js';
import { runFile } from '../output/run-file.js';
import { loadDuckDB } from './load-duckdb.js';

/** Column of an answer. */
export interface SqlColumn {
  name: string;
  /** Type by DuckDB's own name, such as DOUBLE. */
  type: string;
}

/** Answer to a query, as it comes: in chunks of rows, a value a column. */
export interface SqlResult {
  columns: SqlColumn[];
  chunks: AsyncIterable<Json[][]>;
}

/** Views of a run, and the files of each; a string says why a run does not have one. */
type Views = Readonly<Record<string, readonly string[] | string>>;

/**
 * Answers one query over the views `projections`, `tokens`, `eigenvectors`, `extremes` and `histograms` of a run.
 * Nothing but these files can be read, and nothing written.
 * @throws InputError where DuckDB is not installed or refuses the query
 */
export async function querySql<Result>(
  directory: string,
  manifest: Manifest,
  sql: string,
  use: (result: SqlResult) => Promise<Result>,
): Promise<Result> {
  const { DuckDBInstance, StatementType } = await loadDuckDB();
  const views = viewsOf(directory, manifest);
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  try {
    await createViews(connection, views);
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw new InputError(`sql: expected one statement, not ${statements.count}`);
    const statement = await statements.prepare(0);
    const { statementType } = statement;
    if (statementType !== StatementType.SELECT && statementType !== StatementType.EXPLAIN) {
      throw new InputError(
        `sql: ${StatementType[statementType]} is not for a finished run, which is only read; ask with SELECT`,
      );
    }
    const result = await statement.stream();
    const types = result.columnTypes();
    const columns = result.deduplicatedColumnNames().map((name, k) => ({ name, type: String(types[k]) }));
    return await use({ columns, chunks: result.yieldRowsJson() });
  } catch (error) {
    throw asQueryError(error, sql, views);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Settings by which no extension is fetched, and nothing is put aside on the disk. */
const settings = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  temp_directory: '',
};

function viewsOf(directory: string, { partitions }: Manifest): Views {
  const tables = Object.entries(TABLE_NAMES).map(([view, name]) => {
    const file = path.resolve(directory, name);
    return [view, existsSync(file) ? [file] : `this run has no ${name} (--tables none?)`] as const;
  });
  const projections = partitions
    .flatMap(({ files }) => files)
    .filter(({ path: name }) => name.endsWith('.parquet'))
    .map(({ path: name }) => runFile(directory, name));
  const missing = projections.find((file) => !existsSync(file));
  return {
    projections:
      projections.length === 0
        ? 'this run has no Parquet partitions (--format arrow)'
        : missing === undefined
          ? projections
          : `a partition of this run is missing: ${missing}`,
    ...Object.fromEntries(tables),
  };
}

/** Creates the views; afterwards their files are all that the connection can touch. */
async function createViews(connection: DuckDBConnection, views: Views): Promise<void> {
  const present = Object.entries(views).filter((entry): entry is [string, string[]] =>
    Array.isArray(entry[1]),
  );
  for (const [name, files] of present) {
    await connection.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet(${fileList(files)})`);
  }
  await connection.run(`SET allowed_paths = ${fileList(present.flatMap(([, files]) => files))}`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** List of files in SQL. DuckDB takes a path with * or [ in it for that file where there is one. */
function fileList(files: readonly string[]): string {
  return `[${files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')}]`;
}

/** Statements without content: white space and comments. */
const nothing = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/;

function asQueryError(error: unknown, sql: string, views: Views): unknown {
  if (error instanceof EigenshardError || !(error instanceof Error)) return error;
  if (nothing.test(sql)) return new InputError('sql: expected a statement, but the text holds none');
  const reasons = Object.entries(views)
    .filter(([name, files]) => typeof files === 'string' && error.message.includes(`name ${name} `))
    .map(([, reason]) => `\n${String(reason)}`);
  return new InputError(`sql: ${error.message.trim()}${reasons.join('')}`, { cause: error });
}
