import { cumulativeShare } from './cumulative-share.js';
import { heatMap, occupiedBins } from './heat-map.js';
import { drawIndexMarks } from './index-marks.js';
import { drawPlot, type Plot } from './plot.js';
import type { PlotOptions } from './plot-options.js';
import type { Report } from './report.js';
import type { Selection } from './selection.js';

type IndexPlot = Omit<PlotOptions, 'x' | 'top' | 'onPick'>;

/** Draws all plots by the index of an eigenvector: a click chooses it, and all of them mark the one on show. */
export function drawIndexPlots(report: Report, selection: Selection): void {
  const indices = Int32Array.from({ length: report.head.hidden }, (_, j) => j);
  const ranks = report.column('rank_by_variance');
  const drawMarks = drawIndexMarks(report);
  const plots = indexPlots(report).map(
    ({ underlay, ...options }): Plot =>
      drawPlot({
        ...options,
        underlay: (plot) => {
          underlay?.(plot);
          drawMarks(plot);
        },
        x: { label: 'index (ascending λ)', values: indices, whole: true },
        top: { label: 'rank_by_variance (1 = largest)', name: (index) => String(ranks[index] ?? '') },
        onPick: (index) => selection.choose({ index }),
      }),
  );
  selection.follow(['index'], ({ index }) => {
    for (const plot of plots) plot.mark(index);
  });
  drawVariance(report);
}

function indexPlots(report: Report): IndexPlot[] {
  return [...spectrum(report), extent(report), ...angles(report), histogram(report)];
}

function spectrum(report: Report): IndexPlot[] {
  const lambda = { label: 'λ', values: report.column('eigenvalue'), colour: 'line-1' };
  const covariance = { label: 'c', values: report.column('covariance_eigenvalue'), colour: 'line-2' };
  return [
    { id: 'spectrum-linear', y: { label: 'λ' }, series: [lambda] },
    { id: 'spectrum-log', y: { label: 'λ, c', logarithmic: true }, series: [lambda, covariance] },
  ];
}

/** Column of p by index, in causal units. */
function inCausalUnits(report: Report, column: string): Float64Array {
  const lambda = report.column('eigenvalue');
  return Float64Array.from(report.column(column), (p, j) => Math.sqrt(lambda[j]!) * p);
}

function extent(report: Report): IndexPlot {
  const quantile = (percent: string) => inCausalUnits(report, `quantile_${percent}`);
  const faint = { colour: 'line-1', width: 0.5 };
  return {
    id: 'extent-envelope',
    y: { label: 'z, causal units' },
    series: [
      { label: 'greatest', values: report.column('extent_maximum'), colour: 'line-2', width: 1 },
      { label: '99 %', values: quantile('99'), ...faint },
      { label: '95 %', values: quantile('95'), ...faint },
      { label: '75 %', values: quantile('75'), ...faint },
      { label: 'mean', values: inCausalUnits(report, 'mean'), colour: 'text' },
      { label: '25 %', values: quantile('25'), ...faint },
      { label: '5 %', values: quantile('05'), ...faint },
      { label: '1 %', values: quantile('01'), ...faint },
      { label: 'least', values: report.column('extent_minimum'), colour: 'line-2', width: 1 },
    ],
    bands: [
      [0, 8, 'band-2'],
      [1, 7, 'band-1'],
      [2, 6, 'band-1'],
      [3, 5, 'band-1'],
    ],
  };
}

function angles(report: Report): IndexPlot[] {
  return (['euclidean', 'causal'] as const).map((metric) => {
    const column = (name: string) => report.column(`${metric}_${name}`);
    const spread = column('angle_std');
    const shifted = (sign: number) =>
      Float64Array.from(column('angle_mean'), (mean, j) => mean + sign * spread[j]!);
    return {
      id: `angles-${metric}`,
      y: { label: 'degrees' },
      series: [
        { label: 'greatest', values: column('angle_maximum'), colour: 'line-2', width: 1 },
        { label: 'mean + spread', values: shifted(1), colour: 'line-1', width: 0.5 },
        { label: 'mean', values: column('angle_mean'), colour: 'line-1' },
        { label: 'mean − spread', values: shifted(-1), colour: 'line-1', width: 0.5 },
        { label: 'least', values: column('angle_minimum'), colour: 'line-2', width: 1 },
        { label: 'folded mean', values: column('folded_angle_mean'), colour: 'line-3', dash: [6, 4] },
      ],
      bands: [
        [0, 4, 'band-2'],
        [1, 3, 'band-1'],
      ],
    };
  });
}

function histogram(report: Report): IndexPlot {
  const { bins, lower, upper } = report.head.histogram;
  const edge = (bin: number) => lower + ((upper - lower) * bin) / bins;
  const [first, end] = occupiedBins(report, 0, report.head.hidden);
  return {
    id: 'histogram-map',
    y: { label: 'z, causal units', range: [edge(first), edge(end)] },
    series: (['95', '50', '05'] as const).map((percent) => ({
      label: percent === '50' ? 'median' : `${Number(percent)} %`,
      values: inCausalUnits(report, `quantile_${percent}`),
      colour: 'line-2',
      width: percent === '50' ? 1 : 0.5,
    })),
    underlay: heatMap(report),
    height: 380,
  };
}

/** Draws the cumulative shares, which are not by index: each curve has its own order, so a click would be ambiguous. */
function drawVariance(report: Report): void {
  const { hidden } = report.head;
  const ranks = report.column('rank_by_variance');
  const byVariance = new Int32Array(hidden);
  for (let j = 0; j < hidden; j++) byVariance[ranks[j]! - 1] = j;
  drawPlot({
    id: 'variance-cumulative',
    x: { label: 'eigenvectors', values: Int32Array.from({ length: hidden }, (_, k) => k + 1), whole: true },
    y: { label: 'share', range: [0, 1] },
    series: [
      {
        label: 'explained variance (of p)',
        values: cumulativeShare(report.column('variance'), byVariance),
        colour: 'line-1',
      },
      {
        label: 'causal weight (λ)',
        values: cumulativeShare(
          report.column('eigenvalue'),
          Int32Array.from({ length: hidden }, (_, k) => hidden - 1 - k),
        ),
        colour: 'line-2',
      },
    ],
  });
}
