import { statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { readShortFile } from '../files/read-text.js';
import { openParquetColumns } from '../formats/parquet-columns.js';
import { counted } from '../text/figures.js';
import { SUMMARY_NAME } from './batch-config.js';
import { runsOfBatch } from './batch-folder.js';
import { batchSummaryFile } from './batch-summary.js';

/**
 * Finds the runs of a series in their order.
 *
 * @param given directories of runs; or one thing that names them: the folder of a batch, its summary, or a text file with a
 *   directory a line
 * @throws InputError where what is given names no runs, or a run of the batch is not finished
 */
export async function seriesRuns(given: readonly string[]): Promise<string[]> {
  const [only, ...others] = given;
  if (only === undefined || others.length > 0) return [...given];
  const found = statSync(only, { throwIfNoEntry: false });
  if (found === undefined)
    throw new InputError(
      `${only}: is not there. Give the runs in their order, the folder of a batch, its summary, or a file with a directory a line`,
    );
  if (found.isFile()) {
    const isSummary = path.basename(only) === SUMMARY_NAME && batchSummaryFile(path.dirname(only)) !== null;
    return isSummary ? runsOfSummary(only) : linesOf(only);
  }
  if (runsOfBatch(only) === null) return [only];
  const summary = batchSummaryFile(only);
  if (summary !== null) return runsOfSummary(summary);
  throw new InputError(
    `${only}: has no ${SUMMARY_NAME}, which says the order of its runs; end the batch, or give the runs in their order`,
  );
}

/** The runs of a batch, in the order of its configuration. */
async function runsOfSummary(file: string): Promise<string[]> {
  const table = await openParquetColumns(file, 'the summary of the batch', 'Call `batch` again');
  const [folders, statuses] = await Promise.all(['folder', 'status'].map((name) => table.values(name)));
  const all = Array.from({ length: table.rows }, (_, k) => k);
  const unfinished = all.filter((k) => statuses![k] !== 'finished').length;
  if (unfinished > 0)
    throw new InputError(
      `${file}: ${counted(unfinished, 'run')} of ${table.rows} ${unfinished === 1 ? 'is' : 'are'} not finished, and a series has no ` +
        'gaps: call `batch` again, or give the runs to be compared in their order',
    );
  return all.map((k) => path.join(path.dirname(file), String(folders![k])));
}

/** The lines of a file that are not empty. */
function linesOf(file: string): string[] {
  const text = readShortFile(file, 'the list of runs').toString('utf8');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
