import { statSync } from 'node:fs';
import { EigenshardError } from '../errors.js';
import { regularFile } from '../files/open-file.js';
import { refuseDamaged, refuseOtherSize } from '../output/refuse-damaged.js';
import type { View, ViewedFile } from './views.js';

/**
 * Looks at the files of a view before DuckDB does, which would wait for ever for a named pipe, and trust a damaged table.
 * Of the partitions only the lengths are compared, because their checksums would take as long as all of the projections
 * take to be read.
 *
 * @param isMentioned whether the query names the view
 * @returns the view, or one that is absent for that reason where the query does not name it
 * @throws InputError that names the first file that is not as the run wrote it, of a view that the query names
 */
export async function intactView(view: View, isMentioned: boolean): Promise<View> {
  if (view.is !== 'files') return view;
  const isTable = view.files.length === 1;
  try {
    for (const file of view.files) await refuseOther(file, isMentioned && isTable);
    return view;
  } catch (error) {
    if (isMentioned || !(error instanceof EigenshardError)) throw error;
    return { is: 'absent', reason: error.message };
  }
}

async function refuseOther({ path, record, advice }: ViewedFile, byChecksum: boolean): Promise<void> {
  if (record === null) regularFile(statSync(path), path, 'the table');
  else if (byChecksum) await refuseDamaged(path, record, advice);
  else refuseOtherSize(path, record.bytes, advice);
}
