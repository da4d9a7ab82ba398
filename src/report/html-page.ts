import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Html, html } from './html.js';

/** Parts of a page that are built with eigenshard, not made for a run. */
export interface PageAssets {
  script: string;
  style: string;
}

/** Reads the files of a page that `scripts/build-report.js` has put beside this one. @param script its name */
export function readAssets(script: string): PageAssets {
  return { script: asset(script), style: asset('client.css') };
}

function asset(name: string): string {
  return readFileSync(path.join(import.meta.dirname, name), 'utf8');
}

/**
 * Renders a page as one HTML file that needs nothing beside it: its policy lets run the one script and the one style that it
 * was made with, and lets nothing be fetched.
 *
 * @param head title, and the version of eigenshard that made what is shown
 * @param body all that is in it, but the script, which comes last
 */
export function htmlPage(
  { title, version }: { title: string; version: string },
  body: Html,
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
<meta name="generator" content="eigenshard ${version}">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
${body}
<script>${new Html(script)}</script>
</body>
</html>
`.text;
}

/** The choice of a theme, which the script of every page starts. */
export const themeChoice = html`<label class="theme">Theme <select id="theme"><option value="">system</option><option>light</option><option>dark</option></select></label>`;

/** A plot that the script draws, with its caption. */
export function plotFigure(id: string, caption: string): Html {
  return html`<figure><figcaption id="${id}-caption">${caption}</figcaption><div class="plot" id="${id}"></div></figure>`;
}

/** Hash by which the policy lets a script or style run. */
function hashSource(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
