import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { comparisonFolders } from '../output/comparison-folder.js';
import { conceptFolders } from '../output/concept-folder.js';
import { projectedFolders } from '../output/projected-folder.js';
import { type RecordedKind, readFolderRecord } from '../output/recorded-folder.js';
import { seriesFolders } from '../output/series-folder.js';
import { undertrainedFolders } from '../output/undertrained-folder.js';
import type { View, Views } from './views.js';

/** Kinds of folders whose record names their tables. */
const kinds: readonly RecordedKind<{ files: FileRecord[] }>[] = [
  comparisonFolders,
  seriesFolders,
  conceptFolders,
  projectedFolders,
  undertrainedFolders,
];

/**
 * Lists the views of a folder that was made of runs, such as a comparison or projected vectors: its Parquet files, each by its
 * name.
 *
 * @returns null where the folder is none of them
 * @throws EigenshardError where its record is not as it was written
 */
export function viewsOfFolder(directory: string): Views | null {
  const kind = kinds.find(({ record }) => existsSync(path.join(directory, record)));
  if (kind === undefined) return null;
  const tables = readFolderRecord(kind, directory).files.filter((file) => file.path.endsWith('.parquet'));
  return Object.fromEntries(
    tables.map((record) => {
      const name = path.basename(record.path);
      return [path.basename(name, '.parquet'), viewOfFile(path.resolve(directory, name), record, kind)];
    }),
  );
}

function viewOfFile(file: string, record: FileRecord, { again }: Pick<RecordedKind<unknown>, 'again'>): View {
  if (!existsSync(file)) return { is: 'absent', reason: `${file} is missing; ${again}` };
  return {
    is: 'files',
    files: [{ path: file, record, advice: `Make it again: ${again}` }],
    formerColumns: {},
  };
}
