import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../errors.js';
import { readText } from '../files/read-text.js';
import type { Views } from '../queries/views.js';
import { exampleText } from './examples.js';
import { size, wholeNumber } from './options.js';
import { printPieces } from './print.js';
import { RepeatableOption } from './repeated-options.js';
import { type SqlFormat, type SqlTextOptions, sqlFormats, sqlText } from './sql-text.js';

/** Significant digits in a table, where nobody asks for others. */
const DIGITS = 6;

/** Beyond any query that a person or a program writes. */
const MOST_QUERY_BYTES = 2 ** 24;

/** Adds `sql`. */
export function addSqlCommand(program: Command): void {
  program
    .command('sql')
    .description(
      'ask a finished run, the summary of a batch, or what was made of runs, with SQL (needs DuckDB)',
    )
    .argument('<run>', 'output directory of the run, of a batch, of a comparison, ...')
    .argument('[query]', 'one SELECT; - reads it from standard input')
    .option('--file <file>', 'read the query from a file')
    .addOption(
      new RepeatableOption(
        '--attach <name=dir>',
        'another run, whose views are name.tokens, ...; repeatable',
      ).argParser(attachment),
    )
    .addOption(new Option('--format <format>', 'of the answer (default: table)').choices(sqlFormats))
    .addOption(
      new Option('--json', 'print a JSON array of the rows: --format json').conflicts(['csv', 'format']),
    )
    .addOption(
      new Option('--csv', 'print comma-separated values: --format csv').conflicts(['json', 'format']),
    )
    .option('--memory <size>', 'memory that a query may take (default: half of what is free)', size)
    .option('--digits <n>', `significant digits in a table, or all (default: ${DIGITS})`, digitCount)
    .addHelpText(
      'after',
      [
        '',
        'Views of a run: projections, tokens, eigenvectors, extremes, histograms, basis;',
        'of a batch: summary; of a comparison, a series, projected vectors, concepts or',
        'undertrained tokens: the Parquet files of its folder, by their names.',
        '"DESCRIBE tokens" names the columns of one.',
        exampleText(
          'sql runs/mine "SELECT text, norm FROM tokens ORDER BY norm"',
          'sql runs/mine --file query.sql --csv',
          'sql runs/a --attach b=runs/b "SELECT max(norm) FROM b.tokens"',
          'sql runs/base-tuned "SELECT * FROM displacement LIMIT 10"',
        ),
      ].join('\n'),
    )
    .action(sql);
}

interface SqlOptions {
  file?: string;
  attach?: Readonly<Record<string, string>>;
  format?: SqlFormat;
  json?: boolean;
  csv?: boolean;
  digits?: SqlTextOptions['digits'];
  memory?: number;
}

async function sql(directory: string, given: string | undefined, options: SqlOptions): Promise<void> {
  const { file, attach = {}, digits, memory } = options;
  const format = options.json ? 'json' : options.csv ? 'csv' : (options.format ?? 'table');
  if (digits !== undefined && (format === 'json' || format === 'csv'))
    throw new InputError(
      `sql: --digits is for tables; ${format} has all digits. Leave it away, or use round()`,
    );
  if (!existsSync(directory) && /^\s*(?:select|with|from|describe|show|summarize)\b/i.test(directory))
    throw new InputError(
      'sql: expected the output directory of a run before the query: eigenshard sql RUN "SELECT ..."',
    );
  const query = await queryText(given, file);
  const views = await viewsOf(directory);
  const attached: Record<string, Views> = {};
  for (const [name, run] of Object.entries(attach)) attached[name] = await viewsOf(run);
  const isTerminal = process.stdout.isTTY === true;
  const { querySql } = await import('../queries/sql.js');
  await querySql(
    { views, attached },
    query,
    (result) => printPieces(sqlText(result, { format, digits: digits ?? DIGITS, isTerminal })),
    memory,
  );
}

/** The views of a run, of a batch, which has its summary in its folder, or of what was made of runs. */
async function viewsOf(directory: string): Promise<Views> {
  const [{ batchSummaryFile }, { readManifest }, { viewsOfFolder }, { viewsOfRun }] = await Promise.all([
    import('../batch/batch-summary.js'),
    import('../output/manifest.js'),
    import('../queries/folder-views.js'),
    import('../queries/views.js'),
  ]);
  const ofFolder = viewsOfFolder(directory);
  if (ofFolder !== null) return ofFolder;
  const summary = batchSummaryFile(directory);
  if (summary === null) return viewsOfRun(directory, readManifest(directory));
  const files = [{ path: path.resolve(summary), record: null }];
  return { summary: { is: 'files', files, formerColumns: {} } };
}

async function queryText(given: string | undefined, file: string | undefined): Promise<string> {
  if ((given === undefined) === (file === undefined))
    throw new InputError(
      'sql: expected one query: as an argument, as - (standard input), or in --file; `sql --help` has examples',
    );
  if (given !== undefined) return given === '-' ? standardInput() : given;
  if (file === '-') return standardInput();
  // An editor may have put a byte order mark before it.
  return (await readText(file!, 'the query')).replace(/^\ufeff/, '');
}

/** Reads the query that is piped in, which may be a pipe without an end. */
async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_QUERY_BYTES)
      throw new InputError(
        `sql: standard input has more than ${MOST_QUERY_BYTES} bytes, which are no query; check what is piped in`,
      );
  }
  return Buffer.concat(chunks).toString('utf8');
}

function attachment(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It must be name=directory of a run.');
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`There are two of the name "${name}".`);
  return { ...before, [name]: text.slice(at + 1) };
}

function digitCount(text: string): SqlTextOptions['digits'] {
  if (text === 'all') return text;
  const digits = wholeNumber(text);
  if (digits > 17) throw new InvalidArgumentError('It must be 1 to 17, or all.');
  return digits;
}
