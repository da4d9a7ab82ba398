import type { TablePart, TokenPart } from './part.js';

/** Arrays of a part of the tables, by their place in it. */
export type TableArrays = Readonly<Record<string, Float64Array | Int32Array>>;

const TOKENS = 'tokens.';
const EXTREMES = 'extremes.';

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
