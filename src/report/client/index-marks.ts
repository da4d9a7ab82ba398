import type uPlot from 'uplot';
import type { Report } from './report.js';
import { type Stretch, stretchesWhere } from './stretches.js';
import { colour } from './theme.js';

/** Whether an eigenvalue of the covariance is less than the ridge, which then decides lambda = 1 / (c + rho). */
export function isSetByRidge(report: Report, index: number): boolean {
  const { ridge } = report.head;
  return ridge !== null && report.column('covariance_eigenvalue')[index]! < ridge;
}

/** Stretches of indices that the ridge decides. */
export function ridgeStretches(report: Report): Stretch[] {
  return stretchesWhere(report.head.hidden, (index) => isSetByRidge(report, index));
}

/** Stretches of indices whose eigenvalues are so near that each eigenvector may be any of those of their span. */
export function clusterStretches(report: Report): Stretch[] {
  const { hidden } = report.head;
  const cluster = report.column('cluster');
  const found: Stretch[] = [];
  for (let first = 0, last = 0; first < hidden; first = last + 1) {
    for (last = first; last + 1 < hidden && cluster[last + 1] === cluster[first]; ) last++;
    if (last > first) found.push({ first, last });
  }
  return found;
}

/** Draws beneath a plot by index: a shade where the ridge decides, and bars at the foot along clusters. */
export function drawIndexMarks(report: Report): (plot: uPlot) => void {
  const [shades, bars] = [ridgeStretches(report), clusterStretches(report)];
  return (plot) => {
    const { ctx, bbox } = plot;
    const fill = ({ first, last }: Stretch, name: string, height: number) => {
      const left = Math.max(bbox.left, plot.valToPos(first - 0.5, 'x', true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(last + 0.5, 'x', true));
      ctx.fillStyle = colour(name);
      if (right > left) ctx.fillRect(left, bbox.top + bbox.height - height, right - left, height);
    };
    ctx.save();
    for (const shade of shades) fill(shade, 'ridge', bbox.height);
    for (const bar of bars) fill(bar, 'line-3', 5 * devicePixelRatio);
    ctx.restore();
  };
}
