import type uPlot from 'uplot';
import { drawPlot } from '../plot.js';
import { colour } from '../theme.js';
import type { ComparedTokens } from './compared-tokens.js';
import { stretchesOf } from './norm-stretches.js';

const STRETCHES = 80;

/** Draws displacements against norms, where they are known. */
export function drawDisplacements(tokens: ComparedTokens, showToken: (id: number) => void): void {
  draw(tokens, { id: 'displacement-norm', x: 'norm', y: 'displacement' }, showToken);
  draw(tokens, { id: 'displacement-causal', x: 'causal_norm', y: 'causal_displacement' }, showToken);
}

function draw(
  tokens: ComparedTokens,
  names: { id: string; x: string; y: string },
  showToken: (id: number) => void,
): void {
  const [x, y] = [tokens.array(`token.${names.x}`), tokens.array(`token.${names.y}`)];
  if (x === null || y === null) return;
  const { x: middles, minimum, mean, maximum, top } = stretchesOf(x, y, STRETCHES);
  drawPlot({
    id: names.id,
    x: { label: `${names.x.replace('_', ' ')} in A`, values: middles },
    y: { label: names.y.replace('_', ' '), fromZero: true },
    series: [
      { label: 'greatest', values: maximum, colour: 'line-2', width: 0.5 },
      { label: 'mean', values: mean, colour: 'line-3' },
      { label: 'least', values: minimum, colour: 'line-2', width: 0.5 },
    ],
    underlay: (plot) => drawPoints(plot, x, y),
    onPick: (k) => showToken(top[k]!),
  });
}

/** Draws a point a token. */
function drawPoints(plot: uPlot, x: ArrayLike<number>, y: ArrayLike<number>): void {
  const { ctx, bbox } = plot;
  // Both axes are linear: two places of each tell all others.
  const [left, top] = [plot.valToPos(0, 'x', true), plot.valToPos(0, 'y', true)];
  const [stepX, stepY] = [plot.valToPos(1, 'x', true) - left, plot.valToPos(1, 'y', true) - top];
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour('line-1');
  ctx.globalAlpha = x.length > 20_000 ? 0.25 : 0.6;
  const size = Math.max(1, Math.round(1.5 * devicePixelRatio));
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i]!) || Number.isNaN(y[i]!)) continue;
    ctx.fillRect(left + x[i]! * stepX - size / 2, top + y[i]! * stepY - size / 2, size, size);
  }
  ctx.restore();
}
