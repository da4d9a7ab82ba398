import { element } from './dom.js';
import { type NamedTokens, shortened, tokenName } from './token-name.js';

/** Button that shows a token, by its name; a name that is cut stands in full as its title. */
export function tokenButton(tokens: NamedTokens, id: number, show: (id: number) => void): HTMLElement {
  const name = tokenName(tokens, id);
  const shown = shortened(name);
  const title = shown === name ? {} : { title: name };
  const button = element('button', { type: 'button', class: 'token', ...title }, shown);
  button.addEventListener('click', () => show(id));
  return button;
}
