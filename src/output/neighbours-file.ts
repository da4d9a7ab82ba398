import path from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { InputError } from '../errors.js';
import { withFile } from '../files/open-file.js';
import type { NeighbourMeasure } from '../tables/neighbour-measures.js';
import type { Manifest } from './manifest.js';
import { refuseDamaged } from './refuse-damaged.js';
import { placeOf } from './staged-files.js';

/** Neighbours of one token, as the table has them; null for a row without a direction. */
export interface StoredNeighbours {
  ids: number[] | null;
  values: number[] | null;
}

/** Reads the knot of every token, [V]: its lowest token, null for one that is in none. */
export async function readKnots(directory: string, manifest: Manifest): Promise<(number | null)[]> {
  const rows = await readColumns<{ knot: number | null }>(directory, manifest, ['knot']);
  return rows.map(({ knot }) => knot ?? null);
}

/** Reads the neighbours of every token by one measure, [V]. */
export async function readNeighbourLists(
  directory: string,
  manifest: Pick<Manifest, 'neighbours'>,
  measure: NeighbourMeasure,
): Promise<StoredNeighbours[]> {
  const [ids, values] = [`${measure}_ids`, `${measure}_values`];
  const rows = await readColumns<Record<string, number[] | null>>(directory, manifest, [ids, values]);
  return rows.map((row) => ({ ids: row[ids] ?? null, values: row[values] ?? null }));
}

/** @throws InputError where the run has no neighbours, or their file is not as it was written */
async function readColumns<Row>(
  directory: string,
  { neighbours }: Pick<Manifest, 'neighbours'>,
  columns: string[],
): Promise<Row[]> {
  if (neighbours === null)
    throw new InputError(
      `${directory}: has no neighbours; \`eigenshard neighbours ${directory}\` finds them`,
    );
  const file = path.resolve(placeOf(directory, neighbours.file));
  // Known to be what was written, to its last byte: what it says of itself can be followed.
  await refuseDamaged(file, neighbours.file);
  return withFile(file, 'the neighbours', async () => {
    const buffer = await asyncBufferFromFile(file);
    return (await parquetReadObjects({ file: buffer, columns })) as Row[];
  });
}
