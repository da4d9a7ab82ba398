import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { folderKinds } from '../output/folder-kinds.js';
import { type RecordedKind, readFolderRecord } from '../output/recorded-folder.js';
import { recordedKindOf } from '../output/recorded-kinds.js';
import type { View, Views } from './views.js';

/**
 * Lists the views of a folder that was made of runs, such as a comparison or projected vectors: its Parquet files, each by its
 * name.
 *
 * @returns null where the folder is none of them
 * @throws EigenshardError where its record is not as it was written
 */
export function viewsOfFolder(directory: string): Views | null {
  const name = recordedKindOf(directory);
  if (name === null) return null;
  const kind = folderKinds[name];
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
