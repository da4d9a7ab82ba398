import path from 'node:path';
import { shownFigures } from '../checks/verdict.js';
import type { StepRecord } from '../output/series-folder.js';
import type { ComparedSeries } from '../run/compare-series.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, counted, figure, fixed, formatBytes } from '../text/figures.js';
import { textTable } from '../text/text-table.js';

/** What a series has found, on a screen of text: a line a step. */
export function seriesText({
  directory,
  series: { steps, rows, hidden, checks, files },
}: ComparedSeries): string {
  return [
    `${directory}: a series of ${counted(steps.length, 'step')}, ${count(rows)} x ${count(hidden)}`,
    '',
    ...textTable(
      [
        { name: 'step', align: 'right' },
        { name: 'run', align: 'left' },
        ...[
          'lambda min',
          'lambda max',
          'norm',
          'moved by',
          'from first',
          'CKA before',
          'CKA first',
          'coherence',
        ].map((name) => ({ name, align: 'right' }) as const),
      ],
      steps.map(cellsOf),
    ),
    '',
    alignedRows(
      checks.map((check) => {
        const shown = shownFigures(check)!;
        const { name, verdict } = check;
        return [`  ${name}`, verdict, `${figure(shown.measured)} (tolerance ${figure(shown.tolerance)})`];
      }),
    ),
    alignedRows(files.map(({ path: file, bytes }) => [`  ${file}`, formatBytes(bytes)])),
  ].join('\n');
}

function cellsOf({ run, eigenvalues, norms, fromBefore, fromFirst }: StepRecord, step: number): string[] {
  const known = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : fixed(value);
  return [
    String(step),
    path.basename(run.directory),
    ...[
      eigenvalues.minimum,
      eigenvalues.maximum,
      norms.mean,
      fromBefore?.displacement.norm.mean,
      fromFirst.displacement.norm.mean,
      fromBefore?.linearCka?.value,
      fromFirst.linearCka?.value,
      fromBefore?.coherence?.length,
    ].map(known),
  ];
}
