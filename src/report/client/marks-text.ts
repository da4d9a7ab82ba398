import { byId } from './dom.js';
import { figureText } from './figure-text.js';
import { clusterStretches, isSetByRidge, ridgeStretches } from './index-marks.js';
import type { Report } from './report.js';
import { countOf, stretchesText } from './stretches.js';

/** Says which eigenvectors the plots by index mark, and why. */
export function showMarksText(report: Report): void {
  byId('spectrum-marks').textContent = `${ridgeText(report)} ${clusterText(report)}`;
}

/** What to know of one eigenvector before it is read: that the ridge decides it, or that its neighbours are as near. */
export function cautionsOf(report: Report, index: number): string[] {
  const cautions: string[] = [];
  if (isSetByRidge(report, index)) {
    const c = figureText(report.column('covariance_eigenvalue')[index]);
    cautions.push(
      `Set by the ridge: its covariance eigenvalue c = ${c} is below ρ = ${report.head.ridge}, so λ is the ridge’s choice, not the data’s.`,
    );
  }
  const cluster = clusterStretches(report).find(({ first, last }) => first <= index && index <= last);
  if (cluster !== undefined) {
    cautions.push(
      `One of ${countOf([cluster])} near-equal eigenvalues (${stretchesText([cluster])}): the data determine the span of these eigenvectors, not each of them.`,
    );
  }
  return cautions;
}

function ridgeText(report: Report): string {
  const { ridge, hidden } = report.head;
  if (ridge === null)
    return 'Which directions the ridge sets is unknown: the metric’s file does not say its ridge.';
  const stretches = ridgeStretches(report);
  if (stretches.length === 0)
    return `No direction is set by the ridge: c is at least ρ = ${ridge} everywhere.`;
  return (
    `Shaded: ${countOf(stretches)} of ${hidden} directions, ${stretchesText(stretches)}, are set by the ridge. Their c is below ` +
    `ρ = ${ridge}, so λ there is the ridge’s choice, not the data’s.`
  );
}

function clusterText(report: Report): string {
  const near = `closer than ${report.head.clusterThreshold} of their size`;
  const stretches = clusterStretches(report);
  if (stretches.length === 0) return `No two neighbouring eigenvalues are ${near}.`;
  return (
    `Bars at the foot: ${stretches.length === 1 ? 'a cluster' : `${stretches.length} clusters`} of eigenvalues ${near}, ` +
    `${stretchesText(stretches)}. The data determine the span of such eigenvectors, not each of them.`
  );
}
