import type { ParquetColumns } from '../../formats/parquet-columns.js';
import { compressedBytes, type PackedPart, packPart } from '../packed-part.js';

/** Steps up to the largest in which z of a token's directions is kept: half a step is the loss. */
const DIRECTION_STEPS = 2047;

/** Strongest directions of every token, of tokens.parquet. */
export interface Directions {
  /** A part for each place, from the first: index and z of the direction of every token. */
  parts: readonly PackedPart[];
  /** Directions a token in the parts, and in the table. */
  directions: { shown: number; stored: number };
}

/** Size of the steps in which z is kept: the first direction of a token is its largest. */
export async function directionStep(tokens: ParquetColumns): Promise<number> {
  const largest = await tokens.numbers('direction_1_z');
  return largest.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / DIRECTION_STEPS || 1;
}

/**
 * A part of the page for each place, from the first, with the directions of all tokens. All are begun at once, so that one is
 * read while another is compressed.
 *
 * @param step z is kept in steps of this size
 */
export function directionParts(tokens: ParquetColumns, step: number): Promise<PackedPart[]> {
  let stored = 0;
  while (tokens.names.includes(`direction_${stored + 1}_z`)) stored++;
  return Promise.all(Array.from({ length: stored }, (_, k) => placePart(tokens, k + 1, step)));
}

/** Chooses as many places as there is room for, at least one. @param room bytes that they may take, compressed */
export function shownDirections(all: readonly PackedPart[], room: number): Directions {
  let left = room;
  const beyond = all.findIndex((part, k) => {
    left -= compressedBytes(part);
    return left < 0 && k > 0;
  });
  const parts = beyond < 0 ? all : all.slice(0, beyond);
  return { parts, directions: { shown: parts.length, stored: all.length } };
}

async function placePart(tokens: ParquetColumns, place: number, step: number): Promise<PackedPart> {
  const index = await tokens.numbers(`direction_${place}`);
  const z = await tokens.numbers(`direction_${place}_z`);
  const inSteps = new Int16Array(z.length);
  for (let i = 0; i < z.length; i++) inSteps[i] = Math.round(z[i]! / step);
  return packPart({
    [`token.direction_${place}`]: new Uint16Array(index),
    [`token.direction_${place}_z`]: inSteps,
  });
}
