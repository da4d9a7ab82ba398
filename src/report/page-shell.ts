import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Html, html, scriptJson } from './html.js';

/** Parts of a page that are built with eigenshard, not made for a run. */
export interface PageAssets {
  script: string;
  style: string;
}

/** A page, but for what all pages share. */
export interface PageParts {
  title: string;
  /** Version of eigenshard. */
  version: string;
  /** Places that the keyboard can go to at once: id and what the link says. */
  skips: readonly (readonly [string, string])[];
  heading: string;
  introduction: string;
  /** Sections for the navigation: id and name. */
  sections: readonly (readonly [string, string])[];
  /** What stands at the end of the navigation. */
  chosen: Html;
  main: Html;
  footer: string;
  /** JSON that describes the payload. */
  head: unknown;
  /** Arrays, gzip. */
  payload: Uint8Array;
}

/**
 * Renders one HTML file that needs nothing beside it: its policy lets run the one script and the one style that it was made
 * with, and lets nothing be fetched.
 */
export function renderShell(parts: PageParts, { script, style }: PageAssets): string {
  const policy =
    `default-src 'none'; script-src '${hashSource(script)}'; style-src '${hashSource(style)}'; ` +
    "base-uri 'none'; form-action 'none'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="eigenshard ${parts.version}">
<meta name="referrer" content="no-referrer">
<title>${parts.title}</title>
<style>${new Html(style)}</style>
</head>
<body>
${parts.skips.map(([id, text], k) => html`${k === 0 ? '' : '\n'}<a class="skip" href="#${id}">${text}</a>`)}
<header>
<h1>${parts.heading}</h1>
<p>${parts.introduction}</p>
<label class="theme">Theme <select id="theme"><option value="">system</option><option>light</option><option>dark</option></select></label>
</header>
<nav aria-label="Sections"><button type="button" id="menu" aria-controls="sections">Menu</button><ul id="sections">${parts.sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul>
${parts.chosen}</nav>
<main>
<p id="state" role="status">The report needs JavaScript for its plots; the figures below stand without it.</p>
${parts.main}
</main>
<footer>${parts.footer}</footer>
<script type="application/json" id="head">${scriptJson(parts.head)}</script>
<script type="text/plain" id="payload">${new Html(Buffer.from(parts.payload).toString('base64'))}</script>
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

/** Script and style that `scripts/build-report.js` has put beside this file. */
export function pageAssets(script: 'client.js' | 'comparison.js'): PageAssets {
  const read = (name: string) => readFileSync(path.join(import.meta.dirname, name), 'utf8');
  return { script: read(script), style: read('client.css') };
}

/** Hash by which the policy lets a script or style run. */
function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
