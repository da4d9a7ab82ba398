import { drawPlot } from '../plot.js';
import type { ComparedTokens } from './compared-tokens.js';

/** Draws variances of both runs along A's eigenvectors, where they are known. */
export function drawFlow(tokens: ComparedTokens): void {
  const [a, b, flow] = ['variance_a', 'variance_b', 'flow'].map((name) => tokens.array(`spectrum.${name}`));
  if (!a || !b || !flow) return;
  const x = { label: 'index (ascending λ of A)', values: Float64Array.from(a.keys()), whole: true };
  drawPlot({
    id: 'flow-variances',
    x,
    y: { label: 'variance', logarithmic: true },
    series: [
      { label: 'A', values: a, colour: 'line-1' },
      { label: 'B', values: b, colour: 'line-2' },
    ],
  });
  drawPlot({
    id: 'flow-ratio',
    x,
    y: { label: 'B / A', logarithmic: true },
    series: [{ label: 'B / A', values: flow, colour: 'line-1' }],
  });
}
