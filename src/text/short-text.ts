import stringWidth from 'string-width';

/** Columns of a terminal that a cell of a table may fill: every row is padded to the widest. */
export const WIDEST_CELL = 120;

/** Code units of a text that are looked at for every column that it may fill: signs of several are rare. */
const UNITS_A_COLUMN = 8;

const segmenter = new Intl.Segmenter();

/** Cuts a text to so many columns of a terminal, wide characters counted as two; what was cut ends with an ellipsis. */
export function shortText(text: string, columns: number): string {
  if (text.length <= columns * UNITS_A_COLUMN && stringWidth(text) <= columns) return text;
  let short = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text.slice(0, columns * UNITS_A_COLUMN))) {
    width += stringWidth(segment);
    if (width > columns - 1) break;
    short += segment;
  }
  return `${short}…`;
}
