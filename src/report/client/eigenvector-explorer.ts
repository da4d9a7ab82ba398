import { type Measure, type Side, sides } from '../../tables/measures.js';
import { byId, element, facts } from './dom.js';
import { figureText } from './figure-text.js';
import { occupiedBins } from './heat-map.js';
import { drawPlot, type Plot } from './plot.js';
import type { Extreme, Report } from './report.js';
import type { Selection } from './selection.js';
import { tokenButton, tokenName } from './token-button.js';

const sideNames: Readonly<Record<Side, string>> = {
  '+': '+ side, largest first',
  '-': '− side, smallest first',
};

/** Shows the chosen eigenvector: its figures, the distribution of z, and its extreme tokens on both sides. */
export function startEigenvectorExplorer(
  report: Report,
  selection: Selection,
  showToken: (id: number) => void,
): void {
  const number = byId<HTMLInputElement>('index');
  const slider = byId<HTMLInputElement>('index-slider');
  const measure = byId<HTMLSelectElement>('measure');
  const distribution = drawDistribution();

  for (const input of [number, slider]) {
    input.addEventListener('input', () => {
      if (input.value !== '') selection.choose(Number(input.value));
    });
  }
  const showExtremes = () => {
    const { index } = selection;
    const shown = sides.map((side) => {
      const extremes = report.extremes(index, measure.value as Measure, side);
      return extremesTable(
        sideNames[side],
        extremes.map((extreme) => extremeRow(report, extreme, showToken)),
      );
    });
    byId('extremes').replaceChildren(...shown);
  };
  measure.addEventListener('change', showExtremes);
  selection.onChange((index) => {
    for (const input of [number, slider]) if (input.value !== String(index)) input.value = String(index);
    byId('eigenvector-status').textContent = statusText(report, index);
    byId('eigenvector-facts').replaceChildren(...facts(figures(report, index)));
    const chosen = byId('chosen');
    chosen.hidden = false;
    chosen.textContent = `Eigenvector ${index}: explore`;
    showDistribution(report, index, distribution);
    showExtremes();
  });
}

function statusText(report: Report, index: number): string {
  const value = (column: string) => report.column(column)[index]!;
  const name = (column: string) => tokenName(report, value(column));
  return (
    `Eigenvector ${index}, rank_by_variance ${value('rank_by_variance')}: λ ${figureText(value('lambda'))}; p reaches from ` +
    `${figureText(value('minimum'))} at ${name('minimum_token_id')} to ${figureText(value('maximum'))} at ${name('maximum_token_id')}.`
  );
}

function figures(report: Report, index: number): [string, string][] {
  const text = (column: string) => figureText(report.column(column)[index]);
  const angle = (metric: string) =>
    `${text(`${metric}_angle_mean`)} ± ${text(`${metric}_angle_std`)} in [${text(`${metric}_angle_minimum`)}, ${text(`${metric}_angle_maximum`)}]`;
  return [
    ['Covariance eigenvalue c', text('covariance_eigenvalue')],
    ['Relative gap', text('relative_gap')],
    ['Mean, variance of p', `${text('mean')}, ${text('variance')}`],
    ['Skewness, kurtosis of p', `${text('skewness')}, ${text('kurtosis')}`],
    ['p: 5 %, median, 95 %', `${text('quantile_05')}, ${text('quantile_50')}, ${text('quantile_95')}`],
    ['Extent of z', `${text('extent_minimum')} to ${text('extent_maximum')}, diameter ${text('diameter')}`],
    ['Euclidean angle, degrees', angle('euclidean')],
    ['Causal angle, degrees', angle('causal')],
    ['Centroid m, its share', `${text('centroid_coordinate')}, ${text('centroid_share')}`],
  ];
}

function drawDistribution(): Plot {
  return drawPlot({
    id: 'distribution',
    x: { label: 'z, causal units', values: [0] },
    y: { label: 'tokens', fromZero: true },
    series: [{ label: 'tokens', values: [0], colour: 'line-1', bars: true }],
    height: 220,
  });
}

function showDistribution(report: Report, index: number, plot: Plot): void {
  const { bins, lower, upper } = report.head.histogram;
  const [first, end] = occupiedBins(report, index, index + 1);
  const width = (upper - lower) / bins;
  const centres = Float64Array.from({ length: end - first }, (_, k) => lower + (first + k + 0.5) * width);
  plot.update(centres, [report.histogram(index).subarray(first, end)]);
}

function extremeRow(
  report: Report,
  { token, value, angle }: Extreme,
  showToken: (id: number) => void,
): HTMLElement {
  return element(
    'tr',
    {},
    element('td', { class: 'number' }, String(token)),
    element('td', {}, tokenButton(report, token, showToken)),
    element('td', { class: 'number' }, figureText(value)),
    element('td', { class: 'number' }, `${angle.toFixed(2)}°`),
  );
}

function extremesTable(caption: string, rows: readonly HTMLElement[]): HTMLElement {
  const heading = (name: string, isNumber: boolean) =>
    element('th', { scope: 'col', class: isNumber ? 'number' : '' }, name);
  const headings = element(
    'tr',
    {},
    heading('id', true),
    heading('token', false),
    heading('value', true),
    heading('angle', true),
  );
  return element(
    'div',
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': `Extreme tokens, ${caption}` },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element('thead', {}, headings),
      element('tbody', {}, ...rows),
    ),
  );
}
