import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ProjectedManifest, projectedFolders } from '../output/projected-folder.js';
import { fileProblemsOf, folderPlace, readFolderRecord } from '../output/recorded-folder.js';
import type { FilledFolder } from './fill-folder.js';

/** What a projection that is asked for would record, and the names of its files. */
export interface AskedProjection
  extends Pick<ProjectedManifest, 'version' | 'run' | 'vectors' | 'kind' | 'space' | 'norm' | 'top'> {
  files: string[];
}

/**
 * Finds a projection that is what is asked for already.
 *
 * @returns null where there is none, or another one; whether it is intact
 * @throws InputError or VerificationError where its record cannot be read
 */
export async function keptProjection(
  run: string,
  name: string,
  { files, ...asked }: AskedProjection,
): Promise<(FilledFolder<ProjectedManifest> & { isIntact: boolean }) | null> {
  const directory = folderPlace(projectedFolders, run, name);
  if (!existsSync(path.join(directory, projectedFolders.record))) return null;
  const record = readFolderRecord(projectedFolders, directory);
  const { version, run: made, vectors, kind, space, norm, top } = record;
  const found = { version, run: made, vectors, kind, space, norm, top };
  const names = record.files.map((file) => file.path);
  if (!isDeepStrictEqual(found, asked) || !isDeepStrictEqual(names.toSorted(), files.toSorted())) return null;
  return { directory, record, isIntact: (await fileProblemsOf(directory, record)).length === 0 };
}
