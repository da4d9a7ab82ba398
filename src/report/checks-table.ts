import type { Check } from '../checks/verdict.js';
import { figure } from '../text/figures.js';
import { type Html, html } from './html.js';

/** Table of checks, beneath a summary that opens it. */
export function checksTable(all: readonly Check[]): Html {
  const given = (value: number | null) => (value === null ? 'none' : figure(value));
  return html`<details><summary>The ${all.length} checks and what they measured</summary>
<table id="checks"><caption>Identities that tie one computation to another, beside what rounding allows</caption>
<thead><tr><th scope="col">check</th><th scope="col">verdict</th>
<th scope="col" class="number">measured</th><th scope="col" class="number">tolerance</th></tr></thead>
<tbody>${all.map(
    ({
      name,
      what,
      verdict,
      measured,
      tolerance,
      detail,
    }) => html`<tr><th scope="row">${name} <span class="identity">${what}</span></th>
<td class="${verdict === 'passed' ? 'passed' : 'differs'}">${verdict}${detail === undefined ? '' : `: ${detail}`}</td>
<td class="number">${given(measured)}</td><td class="number">${given(tolerance)}</td></tr>`,
  )}</tbody></table></details>`;
}
