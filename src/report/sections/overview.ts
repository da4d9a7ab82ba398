import path from 'node:path';
import { shownFigures } from '../../checks/verdict.js';
import { normTraits } from '../../input/norm/norm-rules.js';
import type { Moments } from '../../linalg/moments.js';
import type { RunResults } from '../../output/manifest.js';
import { warningsOf } from '../../output/warnings.js';
import { spectralFigures } from '../../tables/spectral-figures.js';
import { formatBytes as bytes, count, counted, figure, fixed } from '../../text/figures.js';
import { type Html, html } from '../html.js';
import { matrixText } from '../matrix-text.js';

/** Overview of the run, as text: what it was made from, its figures, and what its verification found. */
export function overview(results: RunResults): Html {
  return html`<section id="overview" aria-labelledby="overview-title">
<h2 id="overview-title">The run at a glance</h2>
${verdict(results)}
<dl class="facts">${[...facts(results), ...tableFacts(results)].map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${checks(results)}
${figures(results)}
</section>`;
}

function verdict(results: RunResults): Html {
  const { passed, checks: all } = results.verification;
  const number = (wanted: string) => all.filter(({ verdict: found }) => found === wanted).length;
  const others = (['failed', 'differs', 'not applicable'] as const)
    .filter((kind) => number(kind) > 0)
    .map((kind) => `, ${number(kind)} ${kind}`);
  // Amber, not green, where the metric is another's.
  const tone = !passed ? 'failed' : number('differs') > 0 ? 'differs' : 'passed';
  return html`<p class="verdict ${tone}"><strong>Verification ${passed ? 'passed' : 'FAILED'}</strong>:
${number('passed')} of ${all.length} checks passed${others.join('')}.</p>
${warningsOf(results).map((warning) => html`<p class="verdict differs"><strong>Warning</strong>: ${warning}.</p>`)}`;
}

function facts({
  model,
  weights,
  metric,
  eigenvalues,
  projections,
  norms,
  partitions,
  options,
}: RunResults): [string, string][] {
  return [
    ['Vocabulary V × hidden size d', `${count(model.rows)} × ${count(model.hidden)}`],
    ['Tensor', matrixText({ model, options })],
    ['Final norm', normText(model.norm)],
    ['Metric M', metricText(metric)],
    ['Weights of the rows', weightsText(weights)],
    ['Ridge ρ', ridgeText(metric)],
    [
      'Ridge ρ over the smallest c',
      eigenvalues.ridgeShare === null ? 'unknown' : figure(eigenvalues.ridgeShare),
    ],
    ['λ of M, ascending', `${fixed(eigenvalues.minimum)} to ${fixed(eigenvalues.maximum)}`],
    ['λ median, mean', `${fixed(eigenvalues.median)}, ${fixed(eigenvalues.mean)}`],
    ['Condition number', fixed(eigenvalues.conditionNumber)],
    ['Participation ratio of M', fixed(eigenvalues.participationRatio)],
    [
      eigenvalues.varianceSource === 'covariance'
        ? 'Participation ratio of C'
        : 'Participation ratio of the variances of p',
      eigenvalues.covarianceParticipationRatio === null
        ? 'unknown'
        : fixed(eigenvalues.covarianceParticipationRatio),
    ],
    [
      'Rank of C',
      eigenvalues.rank === null ? 'unknown' : `${count(eigenvalues.rank)} of ${count(model.hidden)}`,
    ],
    [
      'Directions set by the ridge',
      eigenvalues.ridgeBound === null ? 'unknown' : count(eigenvalues.ridgeBound),
    ],
    [
      'Clusters of near-equal λ',
      eigenvalues.clusters === null
        ? 'unknown'
        : `${count(eigenvalues.clusters.count)} (directions: ${count(eigenvalues.clusters.directions)})`,
    ],
    ['Projections', `${momentsText(projections)}, ${bytes(projections.bytes)} as float32`],
    ['Norm', momentsText(norms.euclidean)],
    ['Causal norm', momentsText(norms.causal)],
    ['Partitions', `${partitions.length} of up to ${count(options.partitionRows)} rows, ${options.format}`],
  ];
}

function momentsText({ mean, standardDeviation, minimum, maximum }: Moments): string {
  return `${fixed(mean)} ± ${fixed(standardDeviation)} in [${fixed(minimum)}, ${fixed(maximum)}]`;
}

function normText(norm: RunResults['model']['norm']): string {
  return norm === null ? 'not folded in' : `folded in: ${norm.tensor}, ${normTraits[norm.rule].text}`;
}

function weightsText(weights: RunResults['weights']): string {
  if (weights === null) return 'uniform';
  const { kind, path: file, tensor, effectiveRows } = weights;
  const source = file === null ? tensor : path.basename(file);
  return `${kind}${source === null ? '' : `: ${source}`}, ${counted(Math.round(effectiveRows), 'effective row')} (1 / Σ w²)`;
}

function ridgeText(metric: RunResults['metric']): string {
  if (metric.ridge === null) return 'unknown';
  const isRelative = metric.source === 'computed' && metric.relativeRidge !== null;
  return `${metric.ridge}${isRelative ? `, ${metric.relativeRidge} tr C / d` : ''}`;
}

function metricText(metric: RunResults['metric']): string {
  if (metric.source === 'computed') {
    const moment = metric.secondMoment === 'centred' ? 'covariance' : 'second moment about zero, C + μμᵀ,';
    return `computed: inverse of the ${moment} with a ridge`;
  }
  return `from the file ${path.basename(metric.path)}${metric.tensor === null ? '' : `, ${metric.tensor}`}`;
}

function tableFacts({ tables }: RunResults): [string, string][] {
  if (tables === null) return [];
  const { counts, spectrum, distortionMean, logitBias } = tables.summary;
  const known = (value: number | null) => (value === null ? 'unknown (no tokenizer)' : count(value));
  return [
    ['Rows with a token, without (orphans)', `${known(counts.tokens)}, ${known(counts.orphans)}`],
    ['Special tokens', known(counts.specials)],
    ['Equal rows', `${count(counts.duplicateRows)} (groups: ${count(counts.duplicateGroups)})`],
    ['Zero rows', count(counts.zeroRows)],
    ['Distortion, mean', distortionMean === null ? 'undefined' : fixed(distortionMean)],
    ['Logit bias', logitBias === null ? 'none' : momentsText(logitBias)],
    [
      '‖M − I‖, Frobenius and spectral',
      `${fixed(spectrum.identityDistance.frobenius)}, ${fixed(spectrum.identityDistance.spectral)}`,
    ],
  ];
}

/** Figures of the spectrum by their exact names, which are easily taken for one another. */
function figures({ spectralFigures: values }: RunResults): Html {
  return html`<details><summary>Figures of the spectrum, each with its formula</summary>
<table id="spectral-figures"><caption>c are the eigenvalues of C, falling; H is the entropy of shares of a sum</caption>
<thead><tr><th scope="col">figure</th><th scope="col" class="number">value</th><th scope="col">formula</th></tr></thead>
<tbody>${spectralFigures.map(
    ({ name, title, formula }) => html`<tr><th scope="row">${title}</th>
<td class="number">${figureOf(values[name])}</td><td>${formula}</td></tr>`,
  )}</tbody></table></details>`;
}

function figureOf(value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : fixed(value);
}

function checks({ verification: { checks: all, normDifference, offDiagonal } }: RunResults): Html {
  const given = (value: number | null) => (value === null ? 'none' : figure(value));
  const isNews = all.some(({ verdict: found }) => found === 'failed' || found === 'differs');
  return html`<details ${isNews ? 'open' : ''}><summary>The ${all.length} checks and what they measured</summary>
<table id="checks"><caption>What the verification measured on the bytes of the disk, beside what rounding allows</caption>
<thead><tr><th scope="col">check</th><th scope="col">verdict</th>
<th scope="col" class="number">measured</th><th scope="col" class="number">tolerance</th></tr></thead>
<tbody>${all.map((check) => {
    const { name, what, verdict: found, detail } = check;
    const shown = shownFigures(check);
    // The identity may name the unit itself.
    const unit = shown === null || shown.unit === '' || what.endsWith(shown.unit) ? '' : ` ${shown.unit}`;
    return html`<tr><th scope="row">${name} <span class="identity">${what}${unit}</span></th>
<td class="${found === 'passed' ? 'passed' : found === 'failed' ? 'failed' : 'differs'}">${found}${found !== 'passed' && detail !== undefined ? `: ${detail}` : ''}</td>
<td class="number">${given(shown?.measured ?? null)}</td><td class="number">${given(shown?.tolerance ?? null)}</td></tr>`;
  })}</tbody></table>
<p>Norm from the checkpoint against the norm from the projections: differs by ${figure(normDifference.maximum)} at most,
${figure(normDifference.mean)} on average (limit ${normDifference.limit}). Largest off-diagonal entry of VᵀV: ${figure(offDiagonal.maximum)}
(limit ${offDiagonal.limit}).</p></details>`;
}
