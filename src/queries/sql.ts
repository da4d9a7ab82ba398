import type { DuckDBConnection, Json } from '@duckdb/node-api';
import { EigenshardError, InputError } from '../errors.js';
import { insertBasis } from './insert-basis.js';
import { intactView } from './intact-view.js';
import { loadDuckDB } from './load-duckdb.js';
import { memoryLimit } from './memory-limit.js';
import { explainSqlError, onlyRead, refuseChanging } from './sql-error.js';
import { type FilesView, mentionedViews, type View, type Views } from './views.js';

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

/** What a query can name: views by themselves, and those of other runs behind the name of the run, as `other.tokens`. */
export interface SqlSources {
  views: Views;
  attached?: Readonly<Record<string, Views>>;
}

/**
 * Answers one query over the views of runs. Nothing but their files can be read, and nothing written.
 *
 * @param use takes the answer; what it returns is returned
 * @param memoryBytes that DuckDB may take; half of what the machine has left where nothing is said
 * @throws InputError where DuckDB is not installed or refuses the query, or a name of an attached run is none of SQL
 */
export async function querySql<Result>(
  { views, attached = {} }: SqlSources,
  sql: string,
  use: (result: SqlResult) => Promise<Result>,
  memoryBytes = memoryLimit(),
): Promise<Result> {
  refuseChanging(sql);
  const { DuckDBInstance, StatementType } = await loadDuckDB();
  const instance = await DuckDBInstance.create(':memory:', { ...settings, memory_limit: `${memoryBytes}B` });
  const connection = await instance.connect();
  const known = new Map(Object.entries(views));
  for (const [schema, others] of Object.entries(attached))
    for (const [name, view] of Object.entries(others)) known.set(`${schema}.${name}`, view);
  try {
    for (const schema of Object.keys(attached)) await createSchema(connection, schema);
    const mentioned = new Set(mentionedViews(sql, known));
    for (const [name, view] of known) {
      const intact = await intactView(view, mentioned.has(name));
      known.set(name, await createView(connection, name, intact));
    }
    await allowOnly(connection, [...known.values()]);
    await insertMentionedBases(connection, sql, known);
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1)
      throw new InputError(`sql: expected one statement, not ${statements.count}; ask one after the other`);
    const statement = await statements.prepare(0);
    const { statementType } = statement;
    if (statementType !== StatementType.SELECT && statementType !== StatementType.EXPLAIN) {
      throw onlyRead(StatementType[statementType]);
    }
    const result = await statement.stream();
    const types = result.columnTypes();
    const columns = result.deduplicatedColumnNames().map((name, k) => ({ name, type: String(types[k]) }));
    return await use({ columns, chunks: result.yieldRowsJson() });
  } catch (error) {
    if (error instanceof EigenshardError || !(error instanceof Error)) throw error;
    throw await explainSqlError(error, sql, known);
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

/** @throws InputError for what SQL does not take for a name as it stands */
async function createSchema(connection: DuckDBConnection, name: string): Promise<void> {
  try {
    if (!/^[a-z_][a-z0-9_]*$/i.test(name)) throw new Error('a name has letters, digits and _ only');
    // Not in quotation marks: a query shall not need them either.
    await connection.run(`CREATE SCHEMA ${name}`);
  } catch (cause) {
    throw new InputError(
      `sql: --attach ${name}=...: "${name}" cannot be the name of a run (${(cause as Error).message.split('\n')[0]}). ` +
        'Give another, such as other',
      { cause },
    );
  }
}

/** @returns the view, or, where its files cannot be opened, one that is absent for that reason */
async function createView(connection: DuckDBConnection, name: string, view: View): Promise<View> {
  if (view.is === 'absent') return view;
  if (view.is === 'basis') {
    await connection.run(`CREATE TABLE ${name} (index INTEGER, vector FLOAT[])`);
    return view;
  }
  try {
    const rows = `read_parquet(${fileList(view.files.map((file) => file.path))})`;
    await connection.run(
      `CREATE VIEW ${name} AS SELECT *${await renaming(connection, rows, view)} FROM ${rows}`,
    );
    return view;
  } catch (error) {
    const [message = ''] = (error as Error).message.split('\n');
    const place = view.files.length === 1 ? view.files[0]!.path : `one of ${view.files.length} files`;
    return { is: 'absent', reason: `${place} is damaged: ${message}. \`verify\` tells what else is` };
  }
}

/** What gives the columns of earlier runs today's names. */
async function renaming(
  connection: DuckDBConnection,
  rows: string,
  { formerColumns }: FilesView,
): Promise<string> {
  if (Object.keys(formerColumns).length === 0) return '';
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${rows}`);
  const names = new Set(described.getRows().map(([name]) => name));
  const renamed = Object.entries(formerColumns).filter(([, former]) => names.has(former));
  return renamed.length === 0
    ? ''
    : ` RENAME (${renamed.map(([name, former]) => `"${former}" AS ${name}`).join(', ')})`;
}

/** Afterwards the files of the views are all that the connection can touch. */
async function allowOnly(connection: DuckDBConnection, views: readonly View[]): Promise<void> {
  const files = views.flatMap((view) => (view.is === 'files' ? view.files : [])).map((file) => file.path);
  await connection.run(`SET allowed_paths = ${fileList(files)}`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** List of files in SQL. DuckDB takes a path with * or [ in it for that file where there is one. */
function fileList(files: readonly string[]): string {
  return `[${files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')}]`;
}

async function insertMentionedBases(
  connection: DuckDBConnection,
  sql: string,
  known: ReadonlyMap<string, View>,
): Promise<void> {
  for (const name of mentionedViews(sql, known)) {
    const view = known.get(name);
    if (view?.is === 'basis') await insertBasis(connection, name, view);
  }
}
