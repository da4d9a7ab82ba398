import type { ComparisonResults } from '../../output/comparison-folder.js';
import { count, counted } from '../../text/figures.js';
import { checksTable } from '../checks-table.js';
import { Html, html, scriptJson } from '../html.js';
import { htmlPage, type PageAssets, plotFigure, themeChoice } from '../html-page.js';
import type { ComparisonHead } from './contents.js';
import { comparisonFacts, figureNames } from './facts.js';
import { madeDifferently, namesOf } from './made-with.js';

/** Renders a comparison as one HTML file that needs nothing beside it. */
export function renderComparison(
  results: ComparisonResults,
  head: ComparisonHead,
  payload: Uint8Array,
  assets: PageAssets,
): string {
  const { a, b, tokens, version } = results;
  const names = namesOf(a, b);
  const body = html`<a class="skip" href="#search">Skip to the search for a token</a>
<a class="skip" href="#displacements">Skip to the plots</a>
<header>
<h1>${names.a} and ${names.b}</h1>
<p>Two vocabularies compared: ${counted(tokens.shared, 'token')} of both, A is ${names.a}, B is ${names.b}</p>
${themeChoice}
</header>
<nav aria-label="Sections"><button type="button" id="menu" aria-controls="sections">Menu</button><ul id="sections">${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main>
<p id="state" role="status">The page needs JavaScript for its plots; the figures below stand without it.</p>
${overview(results)}
${explorer(results)}
${displacements(results)}
${spectrum(results)}
${map(results, head)}
</main>
<footer>Made by eigenshard ${version} from the runs ${a.fingerprint.slice(0, 12)} and ${b.fingerprint.slice(0, 12)}. Plots: uPlot.</footer>
<script type="application/json" id="head">${scriptJson(head)}</script>
<script type="text/plain" id="payload">${new Html(Buffer.from(payload).toString('base64'))}</script>`;
  const title = `${names.a} and ${names.b}: two vocabularies compared`;
  return htmlPage({ title, version }, body, assets);
}

/** Sections of the page, for the navigation: id and name. */
const sections = [
  ['overview', 'Figures'],
  ['explorer', 'Tokens'],
  ['displacements', 'Displacements'],
  ['flow', 'Eigenvalue flow'],
  ['map', 'Map'],
] as const;

function overview(results: ComparisonResults): Html {
  const { a, b, tokens, unknown } = results;
  const size = ({ rows, hidden }: typeof a) => `${count(rows)} × ${count(hidden)}`;
  const alone = [tokens.onlyA, tokens.onlyB].map(count).join(', ');
  const facts: [string, string][] = [
    ['A and B: rows × hidden size', `${size(a)}, ${size(b)}`],
    ['Tokens matched', `${count(tokens.shared)}, by ${tokens.by === 'id' ? 'their ids' : 'their text'}`],
    ['Tokens of A alone, of B alone', alone],
    ...madeDifferently(a, b),
    ...comparisonFacts(results),
  ];
  return html`<section id="overview" aria-labelledby="overview-title">
<h2 id="overview-title">The comparison at a glance</h2>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${Object.entries(unknown).map(
  ([name, reason]) =>
    html`<p class="note">${figureNames[name as keyof typeof figureNames]}: not known, because ${reason}.</p>`,
)}
<p class="note">A CKA of ${counted(tokens.shared, 'token')} is not 0 where rows have nothing to do with each other: it is read beside
the value with the rows of B in a random order, and the mean over all orders.</p>
${checksTable(results.checks)}
</section>`;
}

function explorer({ tokens }: ComparisonResults): Html {
  const alone =
    tokens.onlyB === 0
      ? ''
      : ` ${counted(tokens.onlyB, 'token')} of B alone ${tokens.onlyB === 1 ? 'is' : 'are'} not on this page; displacement.parquet has them.`;
  return html`<section id="explorer" aria-labelledby="explorer-title" tabindex="-1">
<h2 id="explorer-title">Tokens</h2>
<div class="columns">
<section id="token" aria-labelledby="token-title">
<h3 id="token-title">A token</h3>
<label for="search">Search by text or id in A</label>
<input id="search" type="search" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="search-note">
<label class="control"><input id="match-case" type="checkbox"> Match case</label>
<p class="note" id="search-note">Spaces count, and stand as ␣; \\n is a line feed.${alone}</p>
<p id="search-status" role="status"></p>
<ul class="results" id="results"></ul>
<div id="results-save"></div>
<p id="token-hint">Search for a token, or choose one in a list: its card is shown here.</p>
<div id="token-details" tabindex="-1" hidden></div>
</section>
<section aria-labelledby="displaced-title">
<h3 id="displaced-title">The most displaced tokens</h3>
<div class="columns" id="displaced"></div>
</section>
</div>
</section>`;
}

/** What stands in the place of plots that cannot be drawn. */
function missing(reason: string | undefined): Html {
  return html`<p class="note">Not known, because ${reason ?? 'the hidden sizes differ'}.</p>`;
}

function displacements({ figures, unknown }: ComparisonResults): Html {
  const plots = html`<p>A point a token: how far its row has moved, by its norm in A; beside them the least, mean and greatest of
equal stretches of the norm. A click shows the token of that stretch that has moved most; dragging enlarges, a double click
shows all again.</p>
<p class="note" id="plot-keys">By keyboard, in a plot: arrow keys move the point whose values stand beneath, Enter shows the token
that has moved most there, + and − enlarge and reduce around the point, 0 shows all again.</p>
${plotFigure('displacement-norm', 'Displacement by norm')}
${plotFigure('displacement-causal', 'Causal displacement by causal norm, both in the metric of A')}`;
  return html`<section id="displacements" aria-labelledby="displacements-title">
<h2 id="displacements-title">Displacement against norm</h2>
${figures.displacement === null ? missing(unknown.displacement) : plots}
</section>`;
}

function spectrum({ figures, unknown }: ComparisonResults): Html {
  const plots = html`<p>Variance of both along the eigenvectors of A, by index (ascending λ of A), and their ratio
v<sub>j</sub>ᵀ C<sub>B</sub> v<sub>j</sub> / v<sub>j</sub>ᵀ C<sub>A</sub> v<sub>j</sub>: 1 where nothing has changed. Single indices in
the bulk say little, since near-equal eigenvalues mix.</p>
${plotFigure('flow-variances', 'Variance along the eigenvectors of A, logarithmic')}
${plotFigure('flow-ratio', 'Variance of B over that of A, logarithmic')}`;
  return html`<section id="flow" aria-labelledby="flow-title">
<h2 id="flow-title">Eigenvalue flow</h2>
${figures.flow === null ? missing(unknown.flow) : plots}
</section>`;
}

function map({ unknown }: ComparisonResults, { bands }: ComparisonHead): Html {
  const figure = html`<p>Share of each band of A’s eigenvectors that lies in each band of B’s: rows sum to 1, and one basis gives the
diagonal. Bands are ${bands.length} equal parts of the index.</p>
<figure><figcaption id="overlap-caption">Bands of A downward, bands of B to the right, by the square root of the share</figcaption>
<canvas id="overlap" role="img" aria-labelledby="overlap-caption"></canvas></figure>`;
  return html`<section id="map" aria-labelledby="map-title">
<h2 id="map-title">Where the eigenvectors went</h2>
${bands.length === 0 ? missing(unknown.flow) : figure}
</section>`;
}
