import { type Command, Option } from 'commander';
import { readManifest } from '../output/manifest.js';
import { querySql } from '../queries/sql.js';
import { printPieces } from './print.js';
import { sqlText } from './sql-text.js';

/** Adds `sql`. */
export function addSqlCommand(program: Command): void {
  program
    .command('sql')
    .description(
      'ask a finished run with SQL (needs DuckDB): views projections, tokens, eigenvectors, extremes, histograms',
    )
    .argument('<run>', 'output directory of the run')
    .argument('<query>', 'one SELECT')
    .addOption(new Option('--json', 'print a JSON array of the rows').conflicts('csv'))
    .option('--csv', 'print comma-separated values')
    .action(sql);
}

async function sql(
  directory: string,
  query: string,
  { json, csv }: { json?: boolean; csv?: boolean },
): Promise<void> {
  const format = json === true ? 'json' : csv === true ? 'csv' : 'table';
  await querySql(directory, readManifest(directory), query, (result) => printPieces(sqlText(result, format)));
}
