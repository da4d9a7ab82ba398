import { readdirSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { IrregularFileError, withFileSync } from '../files/open-file.js';
import { asInputError } from '../files/read-error.js';
import { readFully } from '../files/read-fully.js';
import { isMissing } from '../files/system-error.js';
import { PROJECTIONS_FOLDER, partitionFolders } from '../plan/plan-run.js';
import { isMarker, MARKER_NAME } from './own-files.js';

/**
 * Refuses an output directory that lies among the partitions of another run, whose readers would take it for some of them.
 *
 * @param directory absolute
 * @throws InputError that names the other run
 */
export function refuseAmongPartitions(directory: string): void {
  for (let folder = directory; path.dirname(folder) !== folder; folder = path.dirname(folder)) {
    const run = path.dirname(folder);
    if (path.basename(folder) !== PROJECTIONS_FOLDER || !isMarker(path.join(run, MARKER_NAME))) continue;
    throw new InputError(
      `${directory}: lies among the partitions of the run in ${run}; choose another --out`,
    );
  }
}

/** Readers of a folder pass hidden files over. */
function visibleFiles(directory: string, folder: string): string[] {
  try {
    return readdirSync(path.join(directory, folder), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => path.join(directory, folder, entry.name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw asInputError(error, path.join(directory, folder), 'the partitions');
  }
}

/**
 * Refuses files among the partitions that a run will not write: readers of the folder would take them for some.
 * @param directory absolute
 * @param targets the files that the run will write, relative to the directory or absolute
 * @throws InputError that names the first of them
 */
export function refuseStrangers(directory: string, targets: readonly string[]): void {
  const known = new Set(targets.map((target) => path.resolve(directory, target)));
  for (const folder of new Set(targets.map((target) => path.dirname(target)))) {
    if (!partitionFolders.includes(folder)) continue;
    const stranger = visibleFiles(directory, folder).find((file) => !known.has(file));
    if (stranger === undefined) continue;
    throw new InputError(
      `${stranger}: is none of this run's partitions, and readers of the folder would take it for one. Move it away, ` +
        'or write elsewhere',
    );
  }
}

/** Absolute paths of the partitions that some run has written to a directory: their metadata say so. */
export function writtenPartitions(directory: string): string[] {
  return partitionFolders
    .flatMap((folder) => visibleFiles(directory, folder))
    .filter((file) => /\.(?:parquet|arrow)$/.test(file) && carriesFingerprint(file));
}

/** Metadata of every file of a run, which Parquet has at the end, and Arrow at both ends. */
const FINGERPRINT_KEY = 'eigenshard.fingerprint';

/** The metadata stand within so many bytes of the file's last, behind the footer's columns. */
const TAIL_BYTES = 2 ** 16;

function carriesFingerprint(file: string): boolean {
  try {
    return withFileSync(file, 'a partition', (descriptor, size) => {
      const tail = Buffer.alloc(Math.min(TAIL_BYTES, size));
      readFully(descriptor, tail, size - tail.length, file);
      return tail.includes(FINGERPRINT_KEY);
    });
  } catch (error) {
    if (error instanceof IrregularFileError) return false;
    throw error;
  }
}
