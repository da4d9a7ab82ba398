import { InputError } from '../errors.js';
import { hashFile } from '../files/hash-file.js';
import { mentionedViews, type View, type ViewedFile } from './views.js';

/** White space and comments. */
const nothing = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/;

/** What to do instead of statements that change or write something. */
const instead: Readonly<Record<string, string>> = {
  COPY: '--csv or --json print the answer, which the shell can put into a file',
  EXPORT: '--csv or --json print the answer, which the shell can put into a file',
  ATTACH: '--attach name=DIR lets a query see another run',
  SET: '--memory says how much memory a query may take',
  CREATE: 'WITH name AS (SELECT ...) gives a part of a query a name',
};

const ONLY_READ = 'It is only read: ask with SELECT, DESCRIBE or SUMMARIZE';

const changing =
  /^(?:INSERT|UPDATE|DELETE|MERGE|REPLACE|UPSERT|TRUNCATE|DROP|CREATE|ALTER|COPY|EXPORT|IMPORT|ATTACH|DETACH|USE|SET|RESET|INSTALL|LOAD|VACUUM|CHECKPOINT|BEGIN|START|COMMIT|ROLLBACK|CALL|PREPARE|EXECUTE|DEALLOCATE|COMMENT)$/;

/**
 * Refuses a statement that asks for more than an answer, before DuckDB looks for what it names.
 *
 * @throws InputError that says what is possible
 */
export function refuseChanging(sql: string): void {
  const [, word = ''] = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(\w+)/.exec(sql) ?? [];
  if (changing.test(word.toUpperCase())) throw onlyRead(word.toUpperCase());
}

/** The error for a statement that is no question. */
export function onlyRead(statement: string): InputError {
  const advice = instead[statement];
  return new InputError(
    `sql: ${statement} is not for a finished run. ${ONLY_READ}${advice === undefined ? '' : `; ${advice}`}`,
  );
}

/** Errors that a query earns itself, whatever the files hold. */
const ofTheQuery = /^(?:Parser|Syntax|Binder|Catalog|Conversion|Out of Range|Out of Memory|Permission) Error/;

/**
 * Says of a query that DuckDB refused what is wrong with it, and what there is instead.
 *
 * @param known all views that there are, by name
 */
export async function explainSqlError(
  error: Error,
  sql: string,
  known: ReadonlyMap<string, View>,
): Promise<InputError> {
  if (nothing.test(sql)) return new InputError('sql: expected a statement, but the text holds none');
  const message = withoutForeignNames(
    error.message.replace(/^Failed to extract statements: /, '').trim(),
    known,
  );
  const mentioned = mentionedViews(sql, known);
  // DuckDB's own advice, settings of it, cannot be followed here.
  const lines = [/^Out of Memory Error/.test(message) ? message.split('\n')[0]! : message];
  if (/^Catalog Error: Table with name/.test(message))
    lines.push(...reasonsOf(mentioned, known), availableViews(known));
  if (/^Out of Memory Error/.test(message))
    lines.push('Ask for less at once, or give --memory a larger size');
  if (/^(?:Parser|Binder) Error/.test(message) && /\blambda\b/i.test(sql))
    lines.push('lambda is a word of SQL: the column of the eigenvalues is called eigenvalue');
  if (/^(?:Parser|Syntax) Error/.test(message))
    lines.push('Expected one SELECT in the SQL of DuckDB; correct it, or see `sql --help` for examples');
  if (/^Binder Error: Can only (?:delete|update)/.test(message)) lines.push(ONLY_READ);
  const [, column] = /^Binder Error: Referenced column "([^"]*)" not found/.exec(message) ?? [];
  if (column !== undefined && sql.includes(`"${column}"`))
    lines.push(`Double quotation marks are for names; a text stands in single ones: '${column}'`);
  if (/^Permission Error/.test(message))
    lines.push('A query sees the views of its runs, and no other file; --attach name=DIR adds another run');
  if (!ofTheQuery.test(message)) lines.push(...(await damageOf(mentioned, known)));
  return new InputError(`sql: ${lines.join('\n')}`, { cause: error });
}

/** DuckDB also proposes tables of its own. */
function withoutForeignNames(message: string, known: ReadonlyMap<string, View>): string {
  return message.replace(/\nDid you mean "([^"]*)"\?/, (line, name: string) =>
    known.has(name.replace(/^main\./, '')) ? line : '',
  );
}

function reasonsOf(names: readonly string[], known: ReadonlyMap<string, View>): string[] {
  return names.flatMap((name) => {
    const view = known.get(name);
    return view?.is === 'absent' ? [`${name}: ${view.reason}`] : [];
  });
}

function availableViews(known: ReadonlyMap<string, View>): string {
  const names = [...known].filter(([, view]) => view.is !== 'absent').map(([name]) => name);
  return `The views are ${names.join(', ')}; DESCRIBE and the name of one show its columns`;
}

/** Which files of these views are not as the run wrote them. */
async function damageOf(names: readonly string[], known: ReadonlyMap<string, View>): Promise<string[]> {
  const files = names.flatMap((name) => {
    const view = known.get(name);
    return view?.is === 'files' ? view.files : [];
  });
  const damaged: ViewedFile[] = [];
  for (const file of files)
    if (file.record !== null && (await hashFile(file.path, 'the table')) !== file.record.sha256)
      damaged.push(file);
  return damaged.map(
    (file) => `${file.path} is damaged: it is not as the run wrote it. \`verify\` tells what else is`,
  );
}
