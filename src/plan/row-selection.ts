/** Lists the choices of rows that take part: all of them, or those that the tokenizer has a token for. */
export const rowSelections = ['all', 'tokenizer'] as const;

/** One of rowSelections. */
export type RowSelection = (typeof rowSelections)[number];
