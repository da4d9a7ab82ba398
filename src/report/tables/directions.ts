import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { compressedBytes } from '../compressed-bytes.js';
import type { PackedArray } from '../packed-arrays.js';

/** Steps up to the largest in which z of a token's directions is kept: half a step is the loss. */
const DIRECTION_STEPS = 2047;

/** Strongest directions of every token, of tokens.parquet. */
export interface Directions {
  arrays: Record<string, PackedArray>;
  /** Directions a token in the arrays, and in the table. */
  directions: { shown: number; stored: number };
}

/** Size of the steps in which z is kept: the first direction of a token is its largest. */
export async function directionStep(tokens: ParquetColumns): Promise<number> {
  const largest = await tokens.numbers('direction_1_z');
  return largest.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / DIRECTION_STEPS || 1;
}

/**
 * Arrays of the directions of all tokens: as many places as there is room for, at least one.
 *
 * @param room bytes that they may take, compressed
 * @param step z is kept in steps of this size
 */
export async function directionArrays(
  tokens: ParquetColumns,
  { room, step }: { room: number; step: number },
): Promise<Directions> {
  let stored = 0;
  while (tokens.names.includes(`direction_${stored + 1}_z`)) stored++;
  const indices: Uint16Array[] = [];
  const steps: Int16Array[] = [];
  let left = room;
  while (indices.length < stored) {
    const place = indices.length + 1;
    const z = await tokens.numbers(`direction_${place}_z`);
    const index = Uint16Array.from(await tokens.numbers(`direction_${place}`));
    const inSteps = Int16Array.from(z, (value) => Math.round(value / step));
    left -= await compressedBytes({ index, inSteps });
    if (left < 0 && place > 1) break;
    indices.push(index);
    steps.push(inSteps);
  }
  return {
    arrays: {
      'token.direction': joined(indices, new Uint16Array(indices.length * tokens.rows)),
      'token.direction_z': joined(steps, new Int16Array(steps.length * tokens.rows)),
    },
    directions: { shown: indices.length, stored },
  };
}

/** Copies arrays into one, one after the other. */
function joined<Joined extends Uint16Array | Int16Array>(parts: readonly Joined[], whole: Joined): Joined {
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
