import { type Distorted, distortedTokens } from './distorted-tokens.js';
import { byId, element } from './dom.js';
import { figureText } from './figure-text.js';
import { makeTable } from './make-table.js';
import type { Report } from './report.js';
import { saveButtons } from './save-buttons.js';
import { tokenButton } from './token-button.js';
import { savedName } from './token-name.js';

const PLACES = 20;

/** Lists the most and the least distorted tokens. */
export function listDistortedTokens(report: Report, showToken: (id: number) => void): void {
  const { most, least } = distortedTokens(
    {
      norm: report.array('token.norm'),
      causalNorm: report.array('token.causal_norm'),
      duplicateGroup: report.array('token.duplicate_group'),
    },
    PLACES,
  );
  byId('distorted').replaceChildren(
    list(report, 'Most distorted tokens', most, showToken),
    list(report, 'Least distorted tokens', least, showToken),
  );
}

function list(
  report: Report,
  caption: string,
  tokens: readonly Distorted[],
  showToken: (id: number) => void,
): HTMLElement {
  const norms = (token: number) => [
    report.array('token.norm')[token]!,
    report.array('token.causal_norm')[token]!,
  ];
  const table = makeTable(
    caption,
    [
      { name: 'id', isNumber: true },
      { name: 'token' },
      { name: 'distortion', isNumber: true },
      { name: 'norm', isNumber: true },
    ],
    tokens.map(({ token, distortion }) => [
      String(token),
      tokenButton(report, token, showToken),
      figureText(distortion),
      figureText(norms(token)[0]),
    ]),
  );
  const save = saveButtons(caption.toLowerCase(), () => ({
    columns: ['token_id', 'token', 'distortion', 'norm', 'causal_norm'],
    rows: tokens.map(({ token, distortion }) => [
      token,
      savedName(report, token),
      distortion,
      ...norms(token),
    ]),
  }));
  return element('div', {}, table, save);
}
