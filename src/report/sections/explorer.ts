import type { ReportHead } from '../contents.js';
import { type Html, html } from '../html.js';

/** Explorer of the page: its controls, and empty results that the script fills. */
export function explorer({ hidden, places, directions, directionStep }: ReportHead): Html {
  const last = hidden - 1;
  const cut = ({ shown, stored }: { shown: number; stored: number }) =>
    shown < stored ? ` (the table holds ${stored})` : '';
  return html`<section id="explorer" aria-labelledby="explorer-title" tabindex="-1">
<h2 id="explorer-title">Explorer</h2>
<div class="columns">
<section id="eigenvector" aria-labelledby="eigenvector-title">
<h3 id="eigenvector-title">An eigenvector</h3>
<div class="controls">
<label for="index">Index, 0 to ${last}</label>
<input id="index" type="number" inputmode="numeric" min="0" max="${last}" step="1" value="${last}">
<label for="index-slider" class="hidden">Index by slider</label>
<input id="index-slider" type="range" min="0" max="${last}" step="1" value="${last}">
<label for="measure">Extreme by</label>
<select id="measure"><option value="projection">projection p</option><option value="euclidean_cosine">Euclidean cosine</option>
<option value="causal_cosine" selected>causal cosine</option></select>
</div>
<p id="eigenvector-status" role="status"></p>
<dl class="facts" id="eigenvector-facts"></dl>
<figure><figcaption id="distribution-caption">Distribution of z over the tokens</figcaption><div class="plot" id="distribution"></div></figure>
<p class="note">The ${places.shown} most extreme tokens a side${cut(places)}. The sign of an eigenvector is arbitrary, so both sides
count alike. Angles are rounded to 0.01 degrees. A token's button shows it beside.</p>
<div class="columns" id="extremes"></div>
</section>
<section id="token" aria-labelledby="token-title">
<h3 id="token-title">A token</h3>
<div class="controls">
<label for="search">Text or id of a token</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="part of its text, or its id">
</div>
<p id="search-status" role="status"></p>
<ul class="results" id="results"></ul>
<div id="token-details"></div>
<p class="note">The ${directions.shown} strongest directions a token${cut(directions)}, with z rounded to steps of
${directionStep.toPrecision(2)}.</p>
</section>
</div>
</section>`;
}
