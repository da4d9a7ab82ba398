import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { type Manifest, REPORT_NAME, type RunResults } from '../output/manifest.js';
import { readAssets } from './html-page.js';
import { gzipOf } from './packed-part.js';
import { renderPage } from './page.js';
import { readContents } from './read-contents.js';

/**
 * Writes `report.html` beside the tables of a run, atomically. Its bytes follow from the run's results alone, not
 * from when and with how many workers it was computed.
 *
 * @param results results of the run in `directory`, and the neighbours that were added to it
 * @param folder where the file goes, if not there
 * @throws InputError where a table is missing or damaged; RunError where the file cannot be written
 */
export async function writeReport(
  directory: string,
  results: RunResults & Partial<Pick<Manifest, 'neighbours'>>,
  folder = directory,
): Promise<FileRecord> {
  const { head, parts } = await readContents(directory, results);
  const payload = gzipOf(parts);
  const page = Buffer.from(renderPage(results, head, payload, readAssets('client.js')));
  writeFileAtomically(path.join(folder, REPORT_NAME), [page]);
  return { path: REPORT_NAME, bytes: page.length, sha256: createHash('sha256').update(page).digest('hex') };
}
