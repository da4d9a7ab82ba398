import test from 'ava';
import type { ParquetColumns } from '../../../src/formats/parquet-columns.js';
import { unpackArrays } from '../../../src/report/packed-arrays.js';
import { directionParts, directionStep, shownDirections } from '../../../src/report/tables/directions.js';
import { randomFloat32 } from '../../helpers/random.js';

const ROWS = 500;

/** Directions of 500 tokens, 4 a token, the strongest first. */
const columns: Record<string, Float64Array> = {};
for (let place = 1; place <= 4; place++) {
  columns[`direction_${place}`] = Float64Array.from(randomFloat32(ROWS, place), (value) =>
    Math.round(100 + 50 * value),
  );
  columns[`direction_${place}_z`] = Float64Array.from(
    randomFloat32(ROWS, 10 + place),
    (value) => value / place,
  );
}
const tokens: ParquetColumns = {
  rows: ROWS,
  names: Object.keys(columns),
  numbers: async (name) => columns[name]!,
  values: async (name) => columns[name]!,
};

test('all directions are kept where there is room, z to half a step', async (t) => {
  const step = await directionStep(tokens);
  const { parts, directions } = shownDirections(await directionParts(tokens, step), 1e6);
  t.deepEqual(directions, { shown: 4, stored: 4 });
  let largest = 0;
  for (let place = 1; place <= 4; place++) {
    const { entries, bytes } = parts[place - 1]!;
    const arrays = unpackArrays(entries, bytes);
    for (let i = 0; i < ROWS; i++) {
      t.is(arrays[`token.direction_${place}`]![i], columns[`direction_${place}`]![i]);
      const z = arrays[`token.direction_${place}_z`]![i]! * step;
      largest = Math.max(largest, Math.abs(z - columns[`direction_${place}_z`]![i]!));
    }
  }
  t.log(`off by ${largest / step} steps at most`);
  t.true(largest <= 0.5 * step * (1 + 1e-9));
});

test('as many are kept as fit, and one in any case', async (t) => {
  const step = await directionStep(tokens);
  const shown = async (room: number) =>
    shownDirections(await directionParts(tokens, step), room).directions.shown;
  t.is(await shown(0), 1);
  t.is(await shown(-1e6), 1);
  // 500 tokens take 1 to 2 kB a place.
  const some = await shown(4000);
  t.true(some > 1 && some < 4, String(some));
});
