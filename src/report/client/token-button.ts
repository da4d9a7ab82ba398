import { element } from './dom.js';
import type { Report } from './report.js';
import { shortened, tokenName } from './token-name.js';

/** Button that shows a token, by its name; a name that is cut stands in full as its title. */
export function tokenButton(report: Report, id: number, show: (id: number) => void): HTMLElement {
  const name = tokenName(report, id);
  const shown = shortened(name);
  const title = shown === name ? {} : { title: name };
  const button = element('button', { type: 'button', class: 'token', ...title }, shown);
  button.addEventListener('click', () => show(id));
  return button;
}
