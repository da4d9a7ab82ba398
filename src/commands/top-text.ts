import type { TopRequest, TopToken } from '../queries/top.js';
import { textTable } from '../text/text-table.js';
import { visibleText } from '../text/visible-text.js';

/** The tokens of each side as an aligned table. */
export function topText({ eigenvector, sides, measure }: TopRequest, tokens: readonly TopToken[]): string {
  return sides
    .map((side) =>
      [
        `eigenvector ${eigenvector}, ${side} side, by ${measure}, ${side === '+' ? 'largest' : 'smallest'} first`,
        ...textTable(
          [
            { name: 'token_id', align: 'right' },
            { name: 'text', align: 'left' },
            { name: 'value', align: 'right' },
            { name: 'angle', align: 'right' },
          ],
          tokens
            .filter((token) => token.side === side)
            .map(({ token_id, text, value, angle }) => [
              String(token_id),
              text === null ? '' : visibleText(text),
              value.toPrecision(6),
              angle === null ? '' : angle.toFixed(2),
            ]),
        ),
      ].join('\n'),
    )
    .join('\n\n');
}
