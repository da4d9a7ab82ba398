import path from 'node:path';
import type { SeriesResults } from '../../output/series-folder.js';
import { count, counted } from '../../text/figures.js';
import { checksTable } from '../checks-table.js';
import { Html, html, scriptJson } from '../html.js';
import { htmlPage, type PageAssets, plotFigure, themeChoice } from '../html-page.js';
import type { SeriesHead } from './contents.js';

/** Renders a series as one HTML file that needs nothing beside it. */
export function renderSeries(
  results: SeriesResults,
  head: SeriesHead,
  payload: Uint8Array,
  assets: PageAssets,
): string {
  const { steps, rows, hidden, version } = results;
  const span = `${head.steps[0]!} to ${head.steps.at(-1)!}`;
  const title = `${span}: a series of ${counted(steps.length, 'step')}`;
  const body = html`<a class="skip" href="#step">Skip to the choice of a step</a>
<a class="skip" href="#displacements">Skip to the plots</a>
<header>
<h1>${span}</h1>
<p>A series of ${counted(steps.length, 'step')} in their order, ${count(rows)} tokens × hidden size ${count(hidden)}</p>
${themeChoice}
</header>
<nav aria-label="Sections"><button type="button" id="menu" aria-controls="sections">Menu</button><ul id="sections">${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main>
<p id="state" role="status">The page needs JavaScript for its plots; series.parquet has the figures without it.</p>
${chosenStep(results)}
${displacements(results)}
${similarity}
${spectrum}
${checks(results)}
</main>
<footer>Made by eigenshard ${version} from ${counted(steps.length, 'run')}, ${steps[0]!.run.fingerprint.slice(0, 12)} to ${steps.at(-1)!.run.fingerprint.slice(0, 12)}. Plots: uPlot.</footer>
<script type="application/json" id="head">${scriptJson(head)}</script>
<script type="text/plain" id="payload">${new Html(Buffer.from(payload).toString('base64'))}</script>`;
  return htmlPage({ title, version }, body, assets);
}

/** Sections of the page, for the navigation: id and name. */
const sections = [
  ['chosen-step', 'A step'],
  ['displacements', 'Displacements'],
  ['similarity', 'Similarity'],
  ['spectrum', 'Spectrum and norms'],
  ['verification', 'Checks'],
] as const;

function chosenStep({ steps }: SeriesResults): Html {
  const last = steps.length - 1;
  const names = steps.map(
    ({ run }, step) => html`<option value="${step}">${step}: ${path.basename(run.directory)}</option>`,
  );
  return html`<section id="chosen-step" aria-labelledby="chosen-step-title" tabindex="-1">
<h2 id="chosen-step-title">A step</h2>
<div class="controls">
<label for="step">Step, 0 to ${last}</label>
<input id="step" type="range" min="0" max="${last}" step="1" value="${last}">
<label for="step-name" class="hidden">Step by its run</label>
<select id="step-name">${names}</select>
</div>
<p class="note">The slider, or a click into a plot, chooses the step that all plots mark. Arrow keys move the slider by one step,
Home and End go to the ends.</p>
<dl class="facts" id="step-facts"></dl>
<div class="columns" id="moved"></div>
</section>`;
}

function displacements({ steps }: SeriesResults): Html {
  const hasBits = steps.some(({ fromFirst }) => fromFirst.steps !== null);
  return html`<section id="displacements" aria-labelledby="displacements-title">
<h2 id="displacements-title">Displacements</h2>
<p>How far tokens’ rows have moved to each step, from the step before and from the first, on average.</p>
<p class="note" id="plot-keys">By keyboard, in a plot: arrow keys move the point whose values stand beneath, Enter chooses its step,
+ and − enlarge and reduce around the point, 0 shows all again.</p>
${plotFigure('displacement', 'Mean displacement')}
${plotFigure('causal-displacement', 'Mean causal displacement, in the metric of where it begins')}
${plotFigure('coherence', 'Coherence R: length of the mean direction of all that moved')}
${hasBits ? plotFigure('bf16', 'Tokens by steps of bfloat16 since the step before') : html`<p class="note">Rows are not stored as bfloat16: its steps are not known.</p>`}
</section>`;
}

const similarity = html`<section id="similarity" aria-labelledby="similarity-title">
<h2 id="similarity-title">Similarity</h2>
<p>Linear CKA of all rows with those of the step before and of the first: 1 where they are alike but for rotation and scale. Of rows
that have nothing to do with each other it is not 0; the dashed lines are its mean over all orders of the rows.</p>
${plotFigure('cka', 'Linear CKA')}
</section>`;

const spectrum = html`<section id="spectrum" aria-labelledby="spectrum-title">
<h2 id="spectrum-title">Spectrum and norms</h2>
${plotFigure('eigenvalues', 'Eigenvalues λ of the metric, logarithmic')}
${plotFigure('participation', 'Participation ratio (Σ λ)² / Σ λ²')}
${plotFigure('norms', 'Norms of the rows')}
</section>`;

function checks({ checks: all }: SeriesResults): Html {
  return html`<section id="verification" aria-labelledby="verification-title">
<h2 id="verification-title">Checks</h2>
<p>Identities that tie one computation to another, the worst over all steps.</p>
${checksTable(all)}
</section>`;
}
