import { InputError } from '../../errors.js';
import type { Manifest } from '../../output/manifest.js';
import { readNeighbourLists, type StoredNeighbours } from '../../output/neighbours-file.js';
import type { NeighbourMeasure } from '../../tables/neighbour-measures.js';
import type { ReportHead } from '../contents.js';
import { logStep } from '../log-steps.js';
import { compressedBytes, type PackedPart, packPart } from '../packed-part.js';

/** Neighbours of a token that a page shows at most: a card with more is too long to be looked through. */
const MAX_PLACES = 50;

/** Neighbours of all tokens by one measure. */
export interface ListsOfMeasure {
  measure: NeighbourMeasure;
  /** Lists of all tokens, [V]. */
  lists: readonly StoredNeighbours[];
}

/** Nearest neighbours of every token, of neighbours.parquet. */
export interface PageNeighbours {
  /** A part for each place, from the nearest: of every measure the neighbour of every token, and its value. */
  parts: readonly PackedPart[];
  /** Head of the page; null where the run has no neighbours. */
  neighbours: ReportHead['neighbours'];
}

/** Reads the neighbours of a run, by all measures that it has. @throws InputError where their file is damaged */
export function readLists(
  directory: string,
  run: Pick<Manifest, 'neighbours'>,
): Promise<readonly ListsOfMeasure[]> {
  return Promise.all(
    (run.neighbours?.measures ?? []).map(async (measure) => ({
      measure,
      lists: await readNeighbourLists(directory, run, measure),
    })),
  );
}

/**
 * Packs the nearest neighbours of all tokens, as many of each as there is room for.
 *
 * @param all neighbours by each measure; none of a run without
 * @param rows number of tokens
 * @param room bytes that they may take, compressed
 */
export async function shownNeighbours(
  all: readonly ListsOfMeasure[],
  rows: number,
  room: number,
): Promise<PageNeighbours> {
  if (all.length === 0) return { parts: [], neighbours: null };
  for (const { lists } of all) refuseOtherShape(lists, rows);
  const stored = all
    .flatMap(({ lists }) => lists)
    .reduce((most, { ids }) => Math.max(most, ids?.length ?? 0), 0);
  const parts: PackedPart[] = [];
  for (let left = room; parts.length < Math.min(stored, MAX_PLACES); ) {
    const part = await placePart(all, parts.length + 1);
    left -= compressedBytes(part);
    if (left < 0) break;
    parts.push(part);
  }
  const measures = all.map(({ measure }) => measure);
  return { parts, neighbours: { measures, shown: parts.length, stored } };
}

function placePart(all: readonly ListsOfMeasure[], place: number): Promise<PackedPart> {
  return packPart(
    Object.fromEntries(
      all.flatMap(({ measure, lists }) => [
        [`neighbour.${measure}_${place}`, Int32Array.from(lists, ({ ids }) => ids?.[place - 1] ?? -1)],
        [
          `neighbour.${measure}_${place}_value`,
          Uint16Array.from(lists, ({ values }) => logStep(values?.[place - 1] ?? 0)),
        ],
      ]),
    ),
  );
}

/** @throws InputError where lists are not those of so many tokens */
function refuseOtherShape(lists: readonly StoredNeighbours[], rows: number): void {
  const isToken = (id: number) => Number.isInteger(id) && id >= 0 && id < rows;
  const wrong = lists.findIndex(
    ({ ids, values }) => ids?.length !== values?.length || !(ids ?? []).every(isToken),
  );
  if (lists.length === rows && wrong < 0) return;
  const what = wrong < 0 ? `it has ${lists.length} rows` : `row ${wrong} is of another shape`;
  throw new InputError(
    `neighbours.parquet: expected lists of ${rows} tokens; ${what}. Find the neighbours again`,
  );
}
