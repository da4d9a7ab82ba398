import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { comparisonFolders } from './comparison-folder.js';
import { conceptFolders } from './concept-folder.js';
import { readManifest } from './manifest.js';
import { projectedFolders } from './projected-folder.js';
import { type RecordedKind, readFolderRecord, recordedProblems } from './recorded-folder.js';
import type { RecordedKindName } from './recorded-kinds.js';
import { isOwnManifest } from './run-folders.js';
import { seriesFolders } from './series-folder.js';
import { undertrainedFolders } from './undertrained-folder.js';

/** What a folder records that was made of one run, or of several. */
type AnyRecord = { run?: { fingerprint: string }; files: FileRecord[] };

/** Kinds of folders that are made of finished runs. */
export const folderKinds: Readonly<Record<RecordedKindName, RecordedKind<AnyRecord>>> = {
  comparison: comparisonFolders,
  series: seriesFolders,
  concepts: conceptFolders,
  projected: projectedFolders,
  undertrained: undertrainedFolders,
};

/**
 * Compares a folder that was made of finished runs with its record, and, where it lies in a run, with that run.
 *
 * @returns what is wrong, in words
 * @throws InputError where there is no record, or the run around cannot be read; VerificationError where the record is not as it
 *   was written
 */
export async function problemsOfFolder(name: RecordedKindName, folder: string): Promise<string[]> {
  const kind = folderKinds[name];
  const { run } = readFolderRecord(kind, folder);
  const around = path.resolve(folder, '../..');
  const isOther =
    run !== undefined && isOwnManifest(around) && readManifest(around).fingerprint !== run.fingerprint;
  return [
    ...(isOther ? [`${folder}: was made of another run than that in ${around}`] : []),
    ...(await recordedProblems(kind, folder)),
  ];
}
