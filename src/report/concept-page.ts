import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { conceptControls } from '../tables/concept-controls.js';
import { type ConceptMetric, conceptMetrics, type InMetrics } from '../tables/concept-geometry.js';
import type { ConceptSummary, ControlledFigure } from '../tables/concept-summary.js';
import type { PairRow } from '../tables/concept-tables.js';
import { count, counted, fixed } from '../text/figures.js';
import { harmlessText, visibleText } from '../text/visible-text.js';
import { version } from '../version.js';
import { type Html, html } from './html.js';
import { htmlPage, readAssets, themeChoice } from './html-page.js';

/** What a page of concepts shows. */
export interface ConceptContents {
  model: string;
  d: number;
  names: readonly string[];
  summary: ConceptSummary;
  /** Cosines of the directions, [n, n] row-major. */
  cosines: InMetrics<Float64Array>;
  pairs: readonly PairRow[];
}

/** Concepts in the heat map, and pairs that are listed as left out: what is beyond it the tables have. */
const MOST_CONCEPTS = 64;
const MOST_PAIRS = 200;

/** Names of the metrics on the page. */
const titles: InMetrics<string> = { causal: 'causal metric M', euclidean: 'Euclidean metric' };
const order: readonly ConceptMetric[] = conceptMetrics.toReversed();

/** Writes the page of concepts, atomically. */
export function writeConceptPage(folder: string, name: string, contents: ConceptContents): FileRecord {
  const page = Buffer.from(renderConceptPage(contents));
  writeFileAtomically(path.join(folder, name), [page]);
  return { path: name, bytes: page.length, sha256: createHash('sha256').update(page).digest('hex') };
}

/** Renders the page of concepts: tables whose figures stand beside their controls, and the matrix of |cos|. */
function renderConceptPage(contents: ConceptContents): string {
  const { model, d, names, summary, pairs } = contents;
  const used = pairs.filter(({ fate }) => fate === 'used').length;
  const body = html`<header>
<h1>${model}: concepts</h1>
<p>${counted(names.length, 'concept')} of ${counted(pairs.length, 'pair')}, ${count(used)} of them used; d = ${count(d)}</p>
${themeChoice}
</header>
<main>
<section aria-labelledby="all"><h2 id="all">All concepts</h2>
<p class="note">A figure says something by what it is above its controls: lists with as many pairs, in which there is no concept.
Independent random directions have a mean |cos| of sqrt(2 / (π d)) = ${fixed(summary.independent)}.</p>
${totals(summary)}</section>
<section aria-labelledby="each"><h2 id="each">Each concept</h2>
<p class="note">Mean cosine of each pair's difference with the mean of the others that share no token with it.</p>
${order.map((metric) => conceptsTable(summary, metric))}</section>
<section aria-labelledby="matrix"><h2 id="matrix">|cos| between concepts</h2>
<div class="columns">${order.map((metric) => heatMap(contents, metric))}</div></section>
${leftOut(pairs)}
</main>
<footer>The tables beside this page hold all figures, and every repeat of the controls.</footer>`;
  return htmlPage({ title: `${model}: concepts`, version }, body, readAssets('theme.js'));
}

function totals({ leaveOneOut, between, independent }: ConceptSummary): Html {
  const rows: [string, InMetrics<ControlledFigure>, number | null][] = [
    ['leave-one-out cosine, mean', leaveOneOut, 0],
    ['|cos| between two concepts, mean', between, independent],
  ];
  return html`<div class="scroll"><table><thead><tr><th scope="col">figure</th><th scope="col">metric</th>
<th scope="col" class="number">concepts</th>${controlHeads()}<th scope="col" class="number">independent</th></tr></thead>
<tbody>${rows.flatMap(([name, figures, independentValue]) =>
    order.map(
      (metric) => html`<tr><th scope="row">${name}</th><td>${titles[metric]}</td>
<td class="number">${value(figures[metric].measured)}</td>${controlCells(figures[metric])}<td class="number">${value(independentValue)}</td></tr>`,
    ),
  )}</tbody></table></div>`;
}

function controlHeads(): Html[] {
  return conceptControls.map((control) => html`<th scope="col" class="number">${control}</th>`);
}

function controlCells({ controls }: ControlledFigure): Html[] {
  return conceptControls.map((control) => {
    const { mean, deviation } = controls[control];
    const spread = mean === null || deviation === null ? '' : ` ± ${fixed(deviation)}`;
    return html`<td class="number">${value(mean)}${spread}</td>`;
  });
}

function conceptsTable({ concepts }: ConceptSummary, metric: ConceptMetric): Html {
  return html`<div class="scroll"><table><caption>${titles[metric]}</caption>
<thead><tr><th scope="col" class="number">no.</th><th scope="col">concept</th><th scope="col" class="number">pairs used</th><th scope="col" class="number">norm</th>
<th scope="col" class="number">cosine</th>${controlHeads()}<th scope="col" class="number">|cos| of random pairs with it</th></tr></thead>
<tbody>${concepts.map(
    (
      { name, given, used, norm, leaveOneOut, randomPairs },
      c,
    ) => html`<tr><td class="number">${c + 1}</td><th scope="row">${harmlessText(name)}</th>
<td class="number">${count(used)} of ${count(given)}</td><td class="number">${fixed(norm[metric])}</td>
<td class="number">${value(leaveOneOut[metric].measured)}</td>${controlCells(leaveOneOut[metric])}<td class="number">${value(randomPairs[metric])}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Size of a cell of the heat map, in units of the drawing. */
const CELL = 10;

/** The matrix as a drawing whose cells are as dark as |cos| is large; a cell says itself what it is. */
function heatMap({ names, cosines }: ConceptContents, metric: ConceptMetric): Html {
  const shown = Math.min(names.length, MOST_CONCEPTS);
  const side = shown * CELL;
  const middle = (k: number) => (k + 0.5) * CELL;
  const numbers = Array.from(
    { length: shown },
    (_, k) =>
      html`<text x="${middle(k)}" y="${-CELL / 2}">${k + 1}</text><text x="${-CELL / 2}" y="${middle(k)}">${k + 1}</text>`,
  );
  const cells = Array.from({ length: shown * shown }, (_, k) => {
    const [i, j] = [Math.floor(k / shown), k % shown];
    const cosine = cosines[metric][i * names.length + j]!;
    const opacity = Number.isNaN(cosine) ? 0 : Math.min(1, Math.abs(cosine));
    return html`<rect class="cell" x="${j * CELL}" y="${i * CELL}" width="${CELL}" height="${CELL}" fill-opacity="${opacity.toFixed(3)}"><title>${harmlessText(names[i]!)}, ${harmlessText(names[j]!)}: ${Number.isNaN(cosine) ? 'none' : fixed(cosine)}</title></rect>`;
  });
  const rest =
    names.length > shown ? ` The first ${shown} of ${count(names.length)}; cosines.parquet has all.` : '';
  return html`<figure><svg class="matrix" viewBox="${-CELL} ${-CELL} ${side + CELL} ${side + CELL}" role="img" aria-label="Matrix of |cos|, ${titles[metric]}">${numbers}${cells}</svg>
<figcaption>${titles[metric]}: no colour is 0, full colour 1; numbers as in the tables above, cosines where a cell is pointed at.${rest}</figcaption></figure>`;
}

function leftOut(pairs: readonly PairRow[]): Html {
  const left = pairs.filter(({ fate }) => fate !== 'used');
  if (left.length === 0) return html`<p>All pairs that were given are used.</p>`;
  const shown = left.slice(0, MOST_PAIRS);
  const more =
    left.length > shown.length
      ? html`<p>And ${count(left.length - shown.length)} more, see pairs.parquet.</p>`
      : html``;
  return html`<section aria-labelledby="left"><h2 id="left">Pairs that are left out: ${count(left.length)} of ${count(pairs.length)}</h2>
<div class="scroll"><table><thead><tr><th scope="col">concept</th><th scope="col">a</th><th scope="col">b</th><th scope="col">why</th></tr></thead>
<tbody>${shown.map(
    ({ concept, a, b, fate }) =>
      html`<tr><th scope="row">${harmlessText(concept)}</th><td>${visibleText(a.given)}</td><td>${visibleText(b.given)}</td><td>${fate}</td></tr>`,
  )}</tbody></table></div>${more}</section>`;
}

function value(figure: number | null): string {
  return figure === null ? 'none' : fixed(figure);
}
