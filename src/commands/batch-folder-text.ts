import path from 'node:path';
import type { BatchFolderRun } from '../batch/batch-folder.js';
import { count, counted, fixed } from '../text/figures.js';
import { textTable } from '../text/text-table.js';

/** A screen about the folder of a batch: its runs with their states and the figures that tell them apart. */
export function batchFolderText(directory: string, runs: readonly BatchFolderRun[]): string {
  const finished = runs.filter(({ state }) => state === 'finished').length;
  return [
    `${directory}: a folder of ${counted(runs.length, 'run')}, ${count(finished)} finished`,
    '',
    ...textTable(
      [
        { name: 'model', align: 'left' },
        { name: 'state', align: 'left' },
        ...['V', 'd', 'lambda min', 'lambda max', 'condition'].map(
          (name) => ({ name, align: 'right' }) as const,
        ),
        { name: 'verification', align: 'left' },
        { name: 'folder', align: 'left' },
      ],
      runs.map((run) => [run.name, run.state, ...figureCells(run), run.folder ?? '']),
    ),
    ...runs.flatMap(({ name, folder, problem }) =>
      problem === null ? [] : [`${folder === null ? name : path.join(directory, folder)}: ${problem}`],
    ),
  ].join('\n');
}

/** The runs in the folder of a batch as data: what `inspect --json` prints. */
export function batchFolderRows(runs: readonly BatchFolderRun[]) {
  return runs.map(({ manifest, ...run }) => ({
    ...run,
    rows: manifest?.model.rows ?? null,
    hidden: manifest?.model.hidden ?? null,
    eigenvalues: manifest?.eigenvalues ?? null,
    passed: manifest?.verification.passed ?? null,
  }));
}

function figureCells({ manifest }: BatchFolderRun): string[] {
  if (manifest === null) return Array(6).fill('');
  const { model, eigenvalues, verification } = manifest;
  return [
    count(model.rows),
    count(model.hidden),
    ...[eigenvalues.minimum, eigenvalues.maximum, eigenvalues.conditionNumber].map(fixed),
    verification.passed ? 'passed' : 'FAILED',
  ];
}
