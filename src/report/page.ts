import type { RunResults } from '../output/manifest.js';
import { counted } from '../text/figures.js';
import type { ReportHead } from './contents.js';
import { Html, html, scriptJson } from './html.js';
import { htmlPage, type PageAssets, themeChoice } from './html-page.js';
import { explorer } from './sections/explorer.js';
import { overview } from './sections/overview.js';
import { plotSections } from './sections/plots.js';
import { scatterSection } from './sections/scatter.js';

/**
 * Renders the report as one HTML file that needs nothing beside it.
 *
 * @param payload the arrays that `head.entries` describes, gzip
 */
export function renderPage(
  results: RunResults,
  head: ReportHead,
  payload: Uint8Array,
  assets: PageAssets,
): string {
  const body = html`<a class="skip" href="#eigenvector">Skip to the explorer</a>
<a class="skip" href="#search">Skip to the search for a token</a>
<a class="skip" href="#spectrum">Skip to the plots</a>
<header>
<h1>${head.model}</h1>
<p>The eigenbasis of a vocabulary: ${counted(head.rows, 'token')}, ${counted(head.hidden, 'eigenvector')}</p>
${themeChoice}
</header>
<nav aria-label="Sections"><button type="button" id="menu" aria-controls="sections">Menu</button><ul id="sections">${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul>
<a id="chosen" href="#eigenvector" hidden></a></nav>
<main>
<p id="state" role="status">The report needs JavaScript for its plots; the figures below stand without it.</p>
${overview(results)}
${explorer(head)}
${scatterSection(head)}
${plotSections(head)}
</main>
<footer>Made by eigenshard ${results.version} from run ${results.fingerprint.slice(0, 12)}. Plots: uPlot.</footer>
<script type="application/json" id="head">${scriptJson(head)}</script>
<script type="text/plain" id="payload">${new Html(Buffer.from(payload).toString('base64'))}</script>`;
  const title = `${head.model}: the eigenbasis of its vocabulary`;
  return htmlPage({ title, version: results.version }, body, assets);
}

/** Sections of the page, for the navigation: id and name. */
const sections = [
  ['overview', 'Run'],
  ['explorer', 'Explorer'],
  ['scatter', 'Scatter'],
  ['spectrum', 'Spectrum'],
  ['variance', 'Variance'],
  ['extent', 'Extent'],
  ['angles', 'Angles'],
  ['histogram', 'Histogram'],
  ['tokens', 'Norms'],
  ['norm-error', 'Verification'],
] as const;
