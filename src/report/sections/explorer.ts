import type { ReportHead } from '../contents.js';
import { type Html, html } from '../html.js';

/** Explorer of the page: its controls, and empty results that the script fills. */
export function explorer(head: ReportHead): Html {
  return html`<section id="explorer" aria-labelledby="explorer-title" tabindex="-1">
<h2 id="explorer-title">Explorer</h2>
<div class="columns">
${tokenPart(head)}
${eigenvectorPart(head)}
</div>
</section>
`;
}

function tokenPart(head: ReportHead): Html {
  const { directions, directionStep } = head;
  return html`<section id="token" aria-labelledby="token-title">
<h3 id="token-title">A token</h3>
<label for="search">Search by text or id</label>
<input id="search" type="search" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="search-note">
<label class="control"><input id="match-case" type="checkbox"> Match case</label>
<p class="note" id="search-note">Spaces count, and stand as ␣; \\n is a line feed.</p>
<p id="search-status" role="status"></p>
<ul class="results" id="results"></ul>
<div id="results-save"></div>
<p id="token-hint">Search for a token, or choose one in a list: its card is shown here.</p>
<div id="token-details" tabindex="-1" hidden></div>
${neighboursPart(head)}
<p class="note">A card has the ${directions.shown} strongest directions${cut(directions)}; z is rounded to steps of
${directionStep.toPrecision(2)}.</p>
</section>`;
}

/** Neighbours of the chosen token, by one of the measures of the run, beneath its card. */
function neighboursPart({ neighbours }: ReportHead): Html {
  if (neighbours === null) return html``;
  const { measures, shown } = neighbours;
  if (shown === 0)
    return html`<p class="note">The run has neighbours, for which this page has no room: <code>neighbours RUN --token</code> prints them.</p>`;
  return html`<div id="neighbours-part" hidden>
<span class="control"><label for="near">Nearest by</label>
<select id="near">${measures.map((measure) => html`<option>${measure}</option>`)}</select></span>
<div id="neighbours"></div>
<p class="note">The ${shown} nearest tokens${cut(neighbours)}, to three digits of the measure, which is 0 for equal rows.</p>
</div>`;
}

function eigenvectorPart({ hidden, places }: ReportHead): Html {
  const last = hidden - 1;
  return html`<section id="eigenvector" aria-labelledby="eigenvector-title" tabindex="-1">
<h3 id="eigenvector-title">An eigenvector</h3>
<div class="controls">
<span class="control"><label for="index">Index, 0 to ${last}</label>
<input id="index" inputmode="numeric" autocomplete="off" aria-describedby="index-message" value="0"></span>
<label for="index-slider" class="hidden">Index by slider</label>
<input id="index-slider" type="range" min="0" max="${last}" step="1" value="0">
<span class="control"><label for="measure">Extreme by</label>
<select id="measure"><option value="projection">projection p</option><option value="euclidean_cosine">Euclidean cosine</option>
<option value="causal_cosine" selected>causal cosine</option></select></span>
</div>
<p class="failed" id="index-message" role="alert"></p>
<p id="eigenvector-status" role="status"></p>
<p class="verdict differs" id="eigenvector-cautions" role="status" hidden></p>
<dl class="facts" id="eigenvector-facts"></dl>
<div id="eigenvector-save"></div>
<figure><figcaption id="distribution-caption">Distribution of z over the tokens</figcaption><div class="plot" id="distribution"></div>
<p class="note" id="distribution-token"></p></figure>
<p class="note">The ${places.shown} most extreme tokens a side${cut(places)}. The sign of an eigenvector is arbitrary, so both sides
count alike. Angles are shown to 0.01 degrees. A token’s button shows its card.</p>
<div class="columns" id="extremes"></div>
</section>`;
}

/** What a page leaves out of a table, in parentheses. */
function cut({ shown, stored }: { shown: number; stored: number }): string {
  return shown < stored ? ` (the table holds ${stored})` : '';
}
