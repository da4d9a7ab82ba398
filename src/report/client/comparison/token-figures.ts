import { bringIntoView } from '../bring-into-view.js';
import { byId, element, facts } from '../dom.js';
import { figureText } from '../figure-text.js';
import { tokenName } from '../token-name.js';
import type { ComparedTokens } from './compared-tokens.js';

/** Shows the card of a token, and brings it into view. */
export function showTokenFigures(tokens: ComparedTokens, token: number): void {
  const card = byId('token-details');
  const partner = tokens.figure('partner', token);
  const of = (name: string) => figureText(tokens.figure(name, token));
  byId('token-hint').hidden = true;
  card.hidden = false;
  card.replaceChildren(
    element('h4', {}, `Token ${token}: ${tokenName(tokens, token)}`),
    element(
      'dl',
      { class: 'facts' },
      ...facts(
        partner < 0
          ? [['In B', 'no such token']]
          : [
              ['Id in B', String(partner)],
              ['Displacement', of('displacement')],
              ['Causal displacement', of('causal_displacement')],
              ['Cosine of both rows', of('cosine')],
              ['bfloat16 steps', of('steps')],
              ['Norm in A, in B', `${of('norm')}, ${of('norm_b')}`],
              ['Causal norm in A, in B', `${of('causal_norm')}, ${of('causal_norm_b')}`],
            ],
      ),
    ),
  );
  bringIntoView(card);
}
