import type { ProjectedVectors } from '../run/project-vectors.js';
import { alignedRows } from '../text/aligned-rows.js';
import { counted, figure, formatBytes } from '../text/figures.js';

/** What was projected, with its checks and its files. */
export function projectedText({ directory, manifest, isNew }: ProjectedVectors): string {
  const { run, vectors, kind, space, checks, files } = manifest;
  const { first, count, hidden, path, tensor } = vectors;
  const isPart = first > 0 ? `, from vector ${first} on` : '';
  const figures = checks.map(({ name, verdict, measured, tolerance }) => [
    `  ${name}`,
    verdict,
    measured === null || tolerance === null ? '' : `${figure(measured)} (tolerance ${figure(tolerance)})`,
  ]);
  return [
    `${directory}: ${counted(count, 'vector')} x ${hidden}, ${kind}-like, ${space}${isNew ? '' : ', as they were projected before'}`,
    `  of ${path}${tensor === null ? '' : `, ${tensor}`}${isPart}, by the eigenbasis of ${run.model}`,
    ...alignedRows(figures).split('\n'),
    alignedRows(files.map(({ path: name, bytes }) => [`  ${name}`, formatBytes(bytes)])),
  ].join('\n');
}
