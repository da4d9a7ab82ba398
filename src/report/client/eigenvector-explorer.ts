import { byId, facts } from './dom.js';
import { figureText } from './figure-text.js';
import { cautionsOf } from './marks-text.js';
import type { Report } from './report.js';
import { saveButtons } from './save-buttons.js';
import type { Selection } from './selection.js';
import { tokenName } from './token-name.js';

/** Shows what the tables say of the eigenvector on show. */
export function startEigenvectorExplorer(report: Report, selection: Selection): void {
  const chosen = byId('chosen');
  selection.follow(['index'], ({ index }) => {
    byId('eigenvector-status').textContent = statusText(report, index);
    const cautions = byId('eigenvector-cautions');
    cautions.textContent = cautionsOf(report, index).join(' ');
    cautions.hidden = cautions.textContent === '';
    byId('eigenvector-facts').replaceChildren(...facts(figures(report, index)));
    byId('eigenvector-save').replaceChildren(
      saveButtons(`figures of eigenvector ${index}`, () => ({
        columns: ['figure', 'value'],
        rows: report.head.eigenvectorColumns.map((name) => [name, report.column(name)[index]!]),
      })),
    );
    chosen.hidden = false;
    chosen.textContent = `Eigenvector ${index}: explore`;
  });
}

function statusText(report: Report, index: number): string {
  const value = (column: string) => report.column(column)[index]!;
  const name = (column: string) => tokenName(report, value(column));
  return (
    `Eigenvector ${index}, rank_by_variance ${value('rank_by_variance')}: λ ${figureText(value('eigenvalue'))}; p reaches from ` +
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
