import { totalmem } from 'node:os';
import path from 'node:path';
import { type BatchPlan, isPlanned, type PlannedRun, type RefusedRun } from '../batch/batch-plan.js';
import { type BatchSummaryRow, summaryRow } from '../batch/batch-summary.js';
import type { Outcome } from '../batch/run-batch.js';
import type { DiskNeed } from '../run/disk-space.js';
import { alignedRows } from '../text/aligned-rows.js';
import { counted, fixed, formatBytes } from '../text/figures.js';

/**
 * What each run of a batch is and needs, and what the disks have.
 * @param machineBytes memory of this machine; a run that may need more is warned of, and not refused: the need is an estimate
 */
export function planText(
  { directory, runs, config }: BatchPlan,
  needs: readonly DiskNeed[],
  machineBytes = totalmem(),
): string {
  const large = runs.filter(isPlanned).filter(({ memoryBytes }) => memoryBytes > machineBytes);
  const refused = runs.filter((run): run is RefusedRun => !isPlanned(run));
  return [
    alignedRows([
      ['', 'model', 'V x d', 'dtype', 'state', 'download', 'disk', 'memory', 'folder'],
      ...runs.map((run) => [String(run.index + 1), run.name, ...planCells(run)]),
    ]),
    ...refused.map(
      ({ index, name, problem }) => `\n[${index + 1}/${runs.length}] ${name}: ${problem.message}`,
    ),
    ...large.map(
      ({ index, name, memoryBytes }) =>
        `\nwarning: [${index + 1}/${runs.length}] ${name} needs about ${formatBytes(memoryBytes)} of memory, this machine has ` +
        `${formatBytes(machineBytes)}; lower "partitionRows" or "workers"`,
    ),
    '',
    `${directory}: ${counted(runs.length, 'run')}, ${counted(config.workers, 'worker')}`,
    ...needs.map(
      ({ place, neededBytes, freeBytes }) =>
        `${place}: needs ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} free`,
    ),
  ].join('\n');
}

/** What each run of a batch came to, as far as a screen is wide; the summary has all figures. */
export function batchSummaryText(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter(({ status }) => status === 'failed').length;
  const again = outcomes.filter((outcome) => outcome.status === 'finished' && outcome.finishedBefore).length;
  return [
    alignedRows([
      ['', 'model', 'state', 'V', 'd', 'metric', 'lambda min', 'lambda max', 'condition', 'seconds'],
      ...outcomes.map((outcome, index) => summaryCells(index, summaryRow(outcome))),
    ]),
    '',
    `${outcomes.length - failed} finished (${again} of them before), ${failed} failed`,
  ].join('\n');
}

/** The runs that failed, with their reasons; null where there are none. */
export function failuresText(outcomes: readonly Outcome[]): string | null {
  const failed = outcomes.filter((outcome) => outcome.status === 'failed');
  if (failed.length === 0) return null;
  const lines = failed.map(({ run, message }) => {
    const anew = isPlanned(run) ? `\n  To start this run anew, remove ${run.config.out}` : '';
    return `[${run.index + 1}] ${run.name}: ${message}${anew}`;
  });
  return `${failed.length} of ${counted(outcomes.length, 'run')} failed:\n${lines.join('\n')}`;
}

/** The same as data. */
export function planRows({ runs }: BatchPlan) {
  return runs.map((run) =>
    isPlanned(run)
      ? {
          model: run.name,
          ...run.shape,
          state: run.state.is,
          bytesToDownload: run.bytesToDownload,
          diskBytes: writtenBytes(run),
          memoryBytes: run.memoryBytes,
          folder: path.basename(run.config.out),
        }
      : { model: run.name, state: 'refused', problem: run.problem.message },
  );
}

function writtenBytes({ files }: PlannedRun): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

function planCells(run: PlannedRun | RefusedRun): string[] {
  if (!isPlanned(run)) return ['', '', 'refused', '', '', '', ''];
  const { shape, state, bytesToDownload, memoryBytes, config } = run;
  return [
    `${shape.rows} x ${shape.columns}`,
    shape.dtype,
    state.is,
    formatBytes(bytesToDownload),
    formatBytes(writtenBytes(run)),
    formatBytes(memoryBytes),
    path.basename(config.out),
  ];
}

function summaryCells(index: number, row: BatchSummaryRow): string[] {
  const number = String(index + 1);
  const optional = (value: number | null) => (value === null ? '' : fixed(value));
  return [
    ...[number, row.model, row.status, optional(row.rows), optional(row.hidden)],
    row.metric_matches === null ? '' : row.metric_matches ? 'matches' : 'DIFFERS',
    ...[row.lambda_minimum, row.lambda_maximum, row.condition_number].map(optional),
    row.seconds?.toFixed(2) ?? '',
  ];
}
