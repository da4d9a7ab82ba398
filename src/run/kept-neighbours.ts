import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { removeFile } from '../files/remove-file.js';
import { type Manifest, NEIGHBOURS_NAME } from '../output/manifest.js';

/**
 * Keeps the neighbours of a run that is mended, as long as their file is intact and the projections are the same bytes as
 * before. Else their file goes, since a run does not make it.
 *
 * @param former manifest of the run before it was mended; null for a new one
 * @param problems what was found wrong with its files
 * @param mended manifest of the run as it is now
 */
export function keptNeighbours(
  directory: string,
  { former, problems }: { former: Manifest | null; problems: readonly string[] },
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
