import { createHash } from 'node:crypto';
import type { RunResults } from '../output/manifest.js';
import { counted } from '../text/figures.js';
import type { ReportHead } from './contents.js';
import { Html, html, scriptJson } from './html.js';
import { explorer } from './sections/explorer.js';
import { overview } from './sections/overview.js';
import { plotSections } from './sections/plots.js';

/** Parts of a page that are built with eigenshard, not made for a run. */
export interface PageAssets {
  script: string;
  style: string;
}

/**
 * Renders the report as one HTML file that needs nothing beside it: its policy lets run the one script and the one
 * style that it was made with, and lets nothing be fetched.
 *
 * @param payload the arrays that `head.entries` describes, gzip
 */
export function renderPage(
  results: RunResults,
  head: ReportHead,
  payload: Uint8Array,
  { script, style }: PageAssets,
): string {
  const policy =
    `default-src 'none'; script-src '${hashSource(script)}'; style-src '${hashSource(style)}'; ` +
    "base-uri 'none'; form-action 'none'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="eigenshard ${results.version}">
<meta name="referrer" content="no-referrer">
<title>${head.model}: the eigenbasis of its vocabulary</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#eigenvector">Skip to the explorer</a>
<a class="skip" href="#search">Skip to the search for a token</a>
<a class="skip" href="#spectrum">Skip to the plots</a>
<header>
<h1>${head.model}</h1>
<p>The eigenbasis of a vocabulary: ${counted(head.rows, 'token')}, ${counted(head.hidden, 'eigenvector')}</p>
<label class="theme">Theme <select id="theme"><option value="">system</option><option>light</option><option>dark</option></select></label>
</header>
<nav aria-label="Sections"><button type="button" id="menu" aria-controls="sections">Menu</button><ul id="sections">${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul>
<a id="chosen" href="#eigenvector" hidden></a></nav>
<main>
<p id="state" role="status">The report needs JavaScript for its plots; the figures below stand without it.</p>
${overview(results)}
${explorer(head)}
${plotSections(head)}
</main>
<footer>Made by eigenshard ${results.version} from run ${results.fingerprint.slice(0, 12)}. Plots: uPlot.</footer>
<script type="application/json" id="head">${scriptJson(head)}</script>
<script type="text/plain" id="payload">${new Html(Buffer.from(payload).toString('base64'))}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

/** Sections of the page, for the navigation: id and name. */
const sections = [
  ['overview', 'Run'],
  ['explorer', 'Explorer'],
  ['spectrum', 'Spectrum'],
  ['variance', 'Variance'],
  ['extent', 'Extent'],
  ['angles', 'Angles'],
  ['histogram', 'Histogram'],
  ['tokens', 'Norms'],
  ['norm-error', 'Verification'],
] as const;

/** Hash by which the policy lets a script or style run. */
function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
