import { visibleText } from '../../text/visible-text.js';
import { element } from './dom.js';
import type { Report } from './report.js';

/** Button that shows a token: its text in quotes, or its id where it has none. */
export function tokenButton(report: Report, id: number, show: (id: number) => void): HTMLElement {
  const button = element('button', { type: 'button', class: 'token' }, tokenName(report, id));
  button.addEventListener('click', () => show(id));
  return button;
}

/** Text of a token in quotes, or its id where it has none. */
export function tokenName(report: Report, id: number): string {
  const text = report.texts[id];
  return text === null || text === undefined ? `token ${id}` : visibleText(text);
}
