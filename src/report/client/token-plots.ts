import { drawPlot } from './plot.js';
import type { Report } from './report.js';
import { valueBins } from './value-bins.js';

const BINS = 600;

/** Draws the plots over all tokens: norms by id, and their verification. */
export function drawTokenPlots(report: Report): void {
  const norm = report.array('token.norm');
  const causalNorm = report.array('token.causal_norm');
  drawById('tokens-norm', 'norm', norm);
  drawById('tokens-causal-norm', 'causal norm', causalNorm);
  drawById(
    'tokens-distortion',
    'distortion',
    Float64Array.from(norm, (value, i) => causalNorm[i]! / value),
  );
  drawNormErrors(report);
}

function drawById(id: string, label: string, values: ArrayLike<number>): void {
  const { starts, minimum, mean, maximum } = valueBins(values, BINS);
  drawPlot({
    id,
    x: { label: 'token id', values: starts, whole: true },
    y: { label },
    series: [
      { label: 'greatest', values: maximum, colour: 'line-2', width: 0.5 },
      { label: 'mean', values: mean, colour: 'line-1' },
      { label: 'least', values: minimum, colour: 'line-2', width: 0.5 },
    ],
    bands: [[0, 2, 'band-2']],
    height: 220,
  });
}

function drawNormErrors({ head: { normError } }: Report): void {
  drawPlot({
    id: 'norm-error-histogram',
    x: { label: 'log10 norm_error', values: normError.edges.slice(0, -1) },
    y: { label: 'tokens', fromZero: true },
    series: [{ label: 'tokens', values: normError.counts, colour: 'line-1', bars: true }],
    height: 220,
  });
}
