import { InputError } from '../../errors.js';
import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { LISTS } from '../../tables/extremes.js';
import { type Measure, measures, type Side, sides } from '../../tables/measures.js';
import { ANGLE_STEP, extremesStart, type ReportHead } from '../contents.js';
import type { PackedArray } from '../packed-arrays.js';

/** Extreme tokens that a page holds at most: 20 a list of 2,560 eigenvectors. */
const MAX_EXTREMES = 2560 * LISTS * 20;

/** Places of a list that a page shows at most: more rows take the explorer longer to lay out than a click should. */
const MAX_PLACES = 50;

/** Arrays of extremes.parquet: the first places of every eigenvector, measure and side. */
export async function extremeArrays(
  extremes: ParquetColumns,
  { rows, hidden }: { rows: number; hidden: number },
): Promise<{ arrays: Record<string, PackedArray>; head: Pick<ReportHead, 'places'> }> {
  const [index, place, tokenId, value, angle] = await Promise.all(
    ['index', 'place', 'token_id', 'value', 'angle'].map((column) => extremes.numbers(column)),
  );
  const side = await extremes.values('side');
  const measure = await extremes.values('measure');
  const lists = hidden * LISTS;
  const stored = place!.reduce((most, number) => Math.max(most, number), 0);
  const shown = Math.max(1, Math.min(stored, MAX_PLACES, Math.floor(MAX_EXTREMES / lists)));

  const ids = new Int32Array(lists * shown).fill(-1);
  const values = new Float32Array(lists * shown);
  const angles = new Uint16Array(lists * shown);
  for (let k = 0; k < extremes.rows; k++) {
    if (place![k]! > shown) continue;
    const known =
      isWithin(index![k]!, hidden) &&
      isWithin(place![k]! - 1, shown) &&
      isWithin(tokenId![k]!, rows) &&
      measures.includes(measure[k] as Measure) &&
      sides.includes(side[k] as Side);
    if (!known) {
      throw new InputError(
        `extremes.parquet: row ${k} is of another shape than ${rows} x ${hidden}. Make the run again`,
      );
    }
    const at = extremesStart(shown, index![k]!, measure[k] as Measure, side[k] as Side) + place![k]! - 1;
    ids[at] = tokenId![k]!;
    values[at] = value![k]!;
    angles[at] = Math.round(angle![k]! / ANGLE_STEP);
  }
  return {
    arrays: { 'extreme.token_id': ids, 'extreme.value': values, 'extreme.angle': angles },
    head: { places: { shown, stored } },
  };
}

function isWithin(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}
