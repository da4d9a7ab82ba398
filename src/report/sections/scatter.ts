import type { ReportHead } from '../contents.js';
import { type Html, html } from '../html.js';

/** Scatter of tokens along two eigenvectors: its controls, and the elements in which the script draws. */
export function scatterSection({ hidden }: ReportHead): Html {
  const last = hidden - 1;
  const field = (
    axis: string,
    name: string,
  ) => html`<span class="control"><label for="scatter-${axis}">${name}, 0 to ${last}</label>
<input id="scatter-${axis}" inputmode="numeric" autocomplete="off" aria-describedby="scatter-${axis}-message" value="0"></span>`;
  return html`<section id="scatter" aria-labelledby="scatter-title">
<h2 id="scatter-title">Two eigenvectors</h2>
<p>Tokens by z along two eigenvectors: the extreme ones of both, by the measure of the explorer, and others. A click on a point shows its
token’s card.</p>
<div class="controls">
${field('x', 'Across')}
${field('y', 'Up')}
</div>
<p class="failed" id="scatter-x-message" role="alert"></p>
<p class="failed" id="scatter-y-message" role="alert"></p>
<p class="note" id="scatter-status" role="status"></p>
<figure><figcaption id="scatter-plot-caption">Tokens along two eigenvectors</figcaption><div class="plot" id="scatter-plot"></div>
<p class="note" id="scatter-point"></p></figure>
<p class="note" id="scatter-keys">By keyboard, in the plot: left and right lead to the next token across, up and down to the next one up, Enter shows
its card.</p>
</section>
`;
}
