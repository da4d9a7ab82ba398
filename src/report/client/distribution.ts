import { byId } from './dom.js';
import { occupiedBins } from './heat-map.js';
import { drawPlot } from './plot.js';
import type { KnownZ, Report } from './report.js';
import type { Selection } from './selection.js';
import { tokenName } from './token-name.js';
import { zText } from './z-text.js';

/** Draws the distribution of z along the eigenvector on show, and marks the chosen token in it. */
export function drawDistribution(report: Report, selection: Selection): void {
  const plot = drawPlot({
    id: 'distribution',
    x: { label: 'z, causal units', values: [0] },
    y: { label: 'tokens', fromZero: true },
    series: [{ label: 'tokens', values: [0], colour: 'line-1', bars: true }],
    height: 220,
  });
  selection.follow(['index', 'token'], ({ index, token }) => {
    const centres = occupiedCentres(report, index);
    plot.update(centres.z, [report.histogram(index).subarray(centres.first, centres.end)]);
    const known = token === null ? null : report.z(token, index);
    const [from, to] = known === null ? [Number.NaN, Number.NaN] : markOf(known, centres.z);
    plot.mark(from, to);
    byId('distribution-token').textContent =
      known === null || token === null
        ? 'A token that is chosen is marked here.'
        : `Marked: token ${token}, ${tokenName(report, token)}, z ${zText(known)}.`;
  });
}

/** Bins that hold tokens, and the z in the middle of each. */
function occupiedCentres(report: Report, index: number): { first: number; end: number; z: Float64Array } {
  const { bins, lower, upper } = report.head.histogram;
  const [first, end] = occupiedBins(report, index, index + 1);
  const width = (upper - lower) / bins;
  return {
    first,
    end,
    z: Float64Array.from({ length: end - first }, (_, k) => lower + (first + k + 0.5) * width),
  };
}

/** Where a token is marked: at its z, or along all that it may be, within the bins, whose outer ones are open. */
function markOf(known: KnownZ, centres: Float64Array): [from: number, to: number] {
  const within = (z: number) => Math.min(Math.max(z, centres[0]!), centres.at(-1)!);
  return 'z' in known ? [within(known.z), within(known.z)] : [within(-known.atMost), within(known.atMost)];
}
