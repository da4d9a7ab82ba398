import { totalmem } from 'node:os';
import path from 'node:path';
import { type BatchPlan, isPlanned, type PlannedRun, type RefusedRun } from '../batch/batch-plan.js';
import { type BatchSummaryRow, summaryRow } from '../batch/batch-summary.js';
import type { Outcome } from '../batch/outcome.js';
import type { Share } from '../executor/array-index.js';
import type { DiskNeed } from '../run/disk-space.js';
import { alignedRows } from '../text/aligned-rows.js';
import { counted, fixed, formatBytes } from '../text/figures.js';

/**
 * What each run of a batch is and needs, and what the disks have.
 * @param machineBytes memory of this machine; a run that may need more is warned of, and not refused: the need is an estimate
 */
export function planText(
  { directory, runs, config, share }: BatchPlan,
  needs: readonly DiskNeed[],
  machineBytes = totalmem(),
): string {
  const large = runs.filter(isPlanned).filter(({ memoryBytes }) => memoryBytes > machineBytes);
  const refused = runs.filter((run): run is RefusedRun => !isPlanned(run));
  const total = config.runs.length;
  return [
    alignedRows([
      ['', 'model', 'V x d', 'dtype', 'state', 'download', 'disk', 'memory', 'folder'],
      ...runs.map((run) => [String(run.index + 1), run.name, ...planCells(run)]),
    ]),
    ...refused.map(({ index, name, problem }) => `\n[${index + 1}/${total}] ${name}: ${problem.message}`),
    ...large.map(
      ({ index, name, memoryBytes }) =>
        `\nwarning: [${index + 1}/${total}] ${name} needs about ${formatBytes(memoryBytes)} of memory, this machine has ` +
        `${formatBytes(machineBytes)}; lower "partitionRows" or "workers"`,
    ),
    '',
    `${directory}: ${shareText(share, runs.length, total)}, ${counted(config.workers, 'worker')}`,
    ...needs.map(
      ({ place, neededBytes, freeBytes }) =>
        `${place}: needs ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} free`,
    ),
  ].join('\n');
}

function shareText(share: Share | null, mine: number, total: number): string {
  if (share === null) return counted(total, 'run');
  const { index, of, source } = share;
  return `${mine} of ${counted(total, 'run')}, those of process ${index} of ${of}, from 0 (${source})`;
}

/** What each run of a batch came to, also those of other processes, as far as a screen is wide; the summary has all figures. */
export function batchSummaryText(outcomes: readonly Outcome[]): string {
  return [
    alignedRows([
      ['', 'model', 'state', 'V', 'd', 'metric', 'lambda min', 'lambda max', 'condition', 'seconds'],
      ...outcomes.map((outcome, index) => summaryCells(index, summaryRow(outcome))),
    ]),
    '',
    ...outcomes.flatMap((outcome) =>
      outcome.status === 'computing'
        ? [`[${outcome.run.index + 1}] ${outcome.run.name}: ${outcome.holder} is computing it`]
        : [],
    ),
    countsText(outcomes),
  ].join('\n');
}

/** How many runs of a batch are in which state. */
export function batchCounts(outcomes: readonly Outcome[]): Record<Outcome['status'], number> {
  const counts = { finished: 0, failed: 0, computing: 0, unfinished: 0, waiting: 0 };
  for (const { status } of outcomes) counts[status]++;
  return counts;
}

/** States that only the runs of other processes have are left out where there are none. */
function countsText(outcomes: readonly Outcome[]): string {
  const { finished, failed, computing, unfinished, waiting } = batchCounts(outcomes);
  const again = outcomes.filter((outcome) => outcome.status === 'finished' && outcome.finishedBefore).length;
  const others = [
    [computing, 'being computed by others'],
    [unfinished, 'left unfinished'],
    [waiting, 'not begun'],
  ] as const;
  return [
    `${finished} finished (${again} of them before), ${failed} failed`,
    ...others.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state}`),
  ].join(', ');
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

/** What each run of a batch is and needs, as data. */
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
