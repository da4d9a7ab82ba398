import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { removeFile } from '../files/remove-file.js';
import { type Manifest, NEIGHBOURS_NAME } from '../output/manifest.js';

/** A run that is mended. */
export interface FormerRun {
  /** Its manifest as it was before; null for a new run. */
  former: Manifest | null;
  /** What was found wrong with its files. */
  problems: readonly string[];
}

/**
 * Keeps the neighbours of a run that is mended, as long as their file is intact and the projections are the same bytes as
 * before. Else their file goes, since a run does not make it.
 *
 * @param mended manifest of the run as it is now
 */
export function keptNeighbours(
  directory: string,
  { former, problems }: FormerRun,
  mended: Pick<Manifest, 'partitions'>,
  note: (line: string) => void,
): Manifest['neighbours'] {
  if (former === null || former.neighbours === null) return null;
  const isIntact = !problems.some((problem) => problem.startsWith(NEIGHBOURS_NAME));
  const bytesOf = ({ partitions }: Pick<Manifest, 'partitions'>) =>
    partitions.flatMap(({ files }) => files.map((file) => file.sha256));
  if (isIntact && isDeepStrictEqual(bytesOf(former), bytesOf(mended))) return former.neighbours;
  removeFile(path.join(directory, NEIGHBOURS_NAME));
  note(
    `${directory}: the nearest neighbours are gone, which \`eigenshard neighbours ${directory}\` finds again`,
  );
  return null;
}
