import { counted } from '../../text/figures.js';
import type { ReportHead } from '../contents.js';
import { type Html, html } from '../html.js';

/** Sections of plots: titles, captions, and the elements in which the script draws. */
export function plotSections(head: ReportHead): Html {
  return html`${section(
    'spectrum',
    'Eigenvalue spectrum',
    html`<p>λ of the metric M by index (ascending λ). The upper axis names the same eigenvectors by rank_by_variance; where M is
the inverse of the covariance, index 0 has the smallest causal weight and the largest variance. A click in any plot by index shows that eigenvector in the explorer; dragging
enlarges, a double click shows all again.</p>
<p class="note" id="plot-keys">By keyboard, in a plot: arrow keys move the point whose values stand beneath, Enter shows that
eigenvector in the explorer, + and − enlarge and reduce around the point, 0 shows all again.</p>
<p class="note" id="spectrum-marks"></p>`,
    [
      ['spectrum-linear', 'λ, linear'],
      ['spectrum-log', 'λ and the eigenvalues c of the covariance, logarithmic'],
    ],
  )}${section(
    'variance',
    'Explained variance and causal weight',
    html`<p>Two different curves, each with its own largest first: the share of the variance, trace C, in the first eigenvectors by
rank_by_variance, and the share of the causal weight, trace M, in the first ones by falling λ, so from the other end of the index.</p>`,
    [['variance-cumulative', 'Cumulative share by number of eigenvectors']],
  )}${section(
    'extent',
    'Extent of the token cloud along every eigenvector',
    html`<p>z = √λ p in causal units, by index: the whole extent between the extreme tokens, the bands that hold 98 %, 90 % and 50 % of the
tokens, and the mean. The ends of the bands are quantiles, off by ${head.quantileError.toExponential(1)} of the whole extent at most.</p>`,
    [['extent-envelope', 'Envelope of z by index']],
  )}${section(
    'angles',
    'Angles of the tokens to every eigenvector',
    html`<p>Mean and spread (one standard deviation to each side), least and greatest angle, in degrees, signed: 0 to 180, where an
eigenvector's own sign is arbitrary. The folded mean, of angles to the nearer side (0 to 90), is another number than the fold of the mean.</p>`,
    [
      ['angles-euclidean', 'Euclidean metric'],
      ['angles-causal', 'Causal metric'],
    ],
  )}${section(
    'histogram',
    'Histogram of z by index',
    html`<p>Tokens in ${head.histogram.bins} bins of z for every index, on a logarithmic scale of colour: strongest where most are;
lines at the median and at 5 and 95 %. Edges are the same for all indices; the outer bins hold what lies beyond ${head.histogram.lower.toPrecision(4)} and
${head.histogram.upper.toPrecision(4)}.</p>`,
    [['histogram-map', 'Heat map of z by index']],
  )}${section(
    'tokens',
    'Norm, causal norm and distortion by token id',
    html`<p>Token ids in at most 600 equal bins, as many as a screen can show: least, mean and greatest value of each. Distortion is
causal norm / norm.</p>`,
    [
      ['tokens-norm', 'Norm'],
      ['tokens-causal-norm', 'Causal norm'],
      ['tokens-distortion', 'Distortion'],
    ],
    html`<p class="note">The most and the least distorted tokens. Rows of zeros have no distortion; of equal rows the first is listed.</p>
<div class="columns" id="distorted"></div>`,
  )}${section(
    'norm-error',
    'Verification of the norms',
    html`<p>The norm of every row from the checkpoint against the norm of its projections from the disk, by the power of ten of the
difference${head.normError.zeros > 0 ? `; by exactly 0, without a bar: ${counted(head.normError.zeros, 'token')}` : ''}. Largest
difference: ${head.normError.maximum.toExponential(2)}.</p>`,
    [['norm-error-histogram', 'Tokens by norm_error']],
  )}`;
}

function section(
  id: string,
  title: string,
  introduction: Html,
  plots: readonly (readonly [string, string])[],
  end: Html = html``,
): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${introduction}
${plots.map(([plot, caption]) => html`<figure><figcaption id="${plot}-caption">${caption}</figcaption><div class="plot" id="${plot}"></div></figure>`)}
${end}
</section>
`;
}
