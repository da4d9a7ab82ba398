import { LISTS } from './extremes.js';
import { FINE_BINS } from './fine-grid.js';
import { COLUMN_ALIGNMENTS, COLUMN_SUMS, PLACES, type TablePart, type TokenPart } from './part.js';
import { Z_BINS } from './z-bins.js';

/** Arrays of a part of the tables, by their place in it. */
export type TableArrays = Readonly<Record<string, Float64Array | Int32Array>>;

const TOKENS = 'tokens.';
const EXTREMES = 'extremes.';

/** Bytes of a part of the tables, of so many rows. @param size `top`: tokens in each list of extremes */
export function tablePartBytes({ rows, d, top }: { rows: number; d: number; top: number }): number {
  const figures = 8;
  const token = figures * 8 + Math.min(PLACES, d) * (4 + 8);
  const column =
    5 * 8 + COLUMN_SUMS * 8 + (COLUMN_ALIGNMENTS + FINE_BINS + Z_BINS) * 4 + LISTS * top * (8 + 4);
  return rows * token + d * column;
}

/** Gives a part of the tables as arrays. */
export function tableArrays({ zeroRows, tokens, extremes, ...columns }: TablePart): TableArrays {
  const prefixed = (prefix: string, arrays: object) =>
    Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
  return {
    zeroRows: Int32Array.of(zeroRows),
    ...prefixed(TOKENS, tokens),
    ...prefixed(EXTREMES, extremes),
    ...columns,
  };
}

/** Gives the part that arrays were made of. */
export function tablePartOf(arrays: TableArrays): TablePart {
  const of = <Part>(prefix: string) =>
    Object.fromEntries(
      Object.entries(arrays).flatMap(([name, array]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
      ),
    ) as Part;
  const columns = Object.entries(arrays).filter(([name]) => !name.includes('.'));
  return {
    ...(Object.fromEntries(columns) as unknown as TablePart),
    zeroRows: arrays.zeroRows![0]!,
    tokens: of<TokenPart>(TOKENS),
    extremes: of<TablePart['extremes']>(EXTREMES),
  };
}
