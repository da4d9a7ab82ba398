import type { NormPlace, TokenFacts } from '../queries/token.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, fixed } from '../text/figures.js';
import { visibleText } from '../text/visible-text.js';

/** Ids of duplicates that are shown. */
const MOST_DUPLICATES = 10;

/** A token as a block of lines. */
export function tokenText(token: TokenFacts): string {
  const { token_id, text, spelling, directions, duplicates } = token;
  const marks = [
    ...(spelling === null ? [] : [spelling]),
    ...(token.is_special === true ? ['special'] : []),
    ...(token.is_byte === true ? ['a byte, for where nothing else fits'] : []),
    ...(token.is_orphan === true ? ['an orphan: no token has this row'] : []),
  ];
  const shown = duplicates.slice(0, MOST_DUPLICATES).map(String);
  const more =
    duplicates.length > shown.length ? [`and ${count(duplicates.length - shown.length)} more`] : [];
  const rows = [
    ['  norm', placeText(token.norm)],
    ['  causal norm', placeText(token.causal_norm)],
    ['  centred norms', `${fixed(token.centred_norm)}, causal ${fixed(token.centred_causal_norm)}`],
    ['  distortion', optional(token.distortion)],
    [
      '  cosines to the centroid',
      `${optional(token.centroid_cosine)}, causal ${optional(token.causal_centroid_cosine)}`,
    ],
    ['  participation', optional(token.participation)],
    ...(token.logit_bias === null ? [] : [['  logit bias', fixed(token.logit_bias)]]),
    [
      '  directions, z',
      directions.map(({ eigenvector, z }) => `${eigenvector} (${z.toFixed(2)})`).join(', ') || 'none',
    ],
    ['  rows with the same bits', duplicates.length === 0 ? 'none' : [...shown, ...more].join(', ')],
  ];
  const head = `token ${token_id}${text === null ? '' : ` ${visibleText(text)}`}`;
  return [`${head}${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`, alignedRows(rows)].join('\n');
}

function placeText({ value, smaller, quantile }: NormPlace): string {
  return `${fixed(value)}, larger than ${count(smaller)} others (quantile ${quantile.toFixed(4)})`;
}

function optional(value: number | null): string {
  return value === null ? 'none' : fixed(value);
}
