import { largestTokens } from '../../largest-tokens.js';
import { byId, element } from '../dom.js';
import { figureText } from '../figure-text.js';
import { makeTable } from '../make-table.js';
import { saveButtons } from '../save-buttons.js';
import { tokenButton } from '../token-button.js';
import { savedName } from '../token-name.js';
import type { ComparedTokens } from './compared-tokens.js';

const PLACES = 25;

/** Lists the tokens that have moved most, by both measures; without displacements those whose norms differ most. */
export function listDisplacedTokens(tokens: ComparedTokens, showToken: (id: number) => void): void {
  const lists =
    tokens.array('token.displacement') === null
      ? []
      : [
          list(tokens, 'displacement', 'Most displaced by norm', showToken),
          list(tokens, 'causal_displacement', 'Most displaced in the metric of A', showToken),
        ];
  byId('displaced').replaceChildren(
    ...(lists.length > 0
      ? lists
      : [element('p', { class: 'note' }, 'Displacements are not known: see the figures above.')]),
  );
}

function list(
  tokens: ComparedTokens,
  name: string,
  caption: string,
  showToken: (id: number) => void,
): HTMLElement {
  const found = largestTokens(tokens.array(`token.${name}`)!, PLACES);
  const columns = ['norm', 'displacement', 'causal_displacement', 'cosine'];
  const table = makeTable(
    caption,
    [{ name: 'id', isNumber: true }, { name: 'token' }, { name: name.replace('_', ' '), isNumber: true }],
    found.map((token) => [
      String(token),
      tokenButton(tokens, token, showToken),
      figureText(tokens.figure(name, token)),
    ]),
  );
  const save = saveButtons(caption.toLowerCase(), () => ({
    columns: ['token_id', 'token', ...columns],
    rows: found.map((token) => [
      token,
      savedName(tokens, token),
      ...columns.map((column) => tokens.figure(column, token)),
    ]),
  }));
  return element('div', {}, table, save);
}
