import { createRequire } from 'node:module';
import {
  eventProgress,
  type Progress,
  type ProgressEvent,
  type StageEnd,
  type StageState,
  silentProgress,
  type Unit,
} from '../run/progress.js';
import { count, counted, formatBytes } from '../text/figures.js';

/** Seconds between two lines of a stage where there is no terminal. */
const LINE_INTERVAL_SECONDS = 5;

/**
 * Shows stages on `stream`: as bars on a terminal, else as lines.
 * @param shortestSeconds of a stage that takes less, and is finished, no line stays
 */
export function createProgress(stream: NodeJS.WriteStream, quiet: boolean, shortestSeconds = 0): Progress {
  return quiet ? silentProgress : eventProgress(showProgress(stream, quiet, shortestSeconds));
}

/**
 * Shows the events of a run on `stream`: its stages as bars on a terminal, else as lines.
 * @param shortestSeconds of a stage that takes less, and is finished, no line stays
 */
export function showProgress(
  stream: NodeJS.WriteStream,
  quiet: boolean,
  shortestSeconds = 0,
): (event: ProgressEvent) => void {
  if (quiet) return () => {};
  const print = (line: string) => stream.write(`${line}\n`);
  const shown = new Map<string, ShownStage>();
  return (happened) => {
    if (happened.event === 'note') {
      print(happened.line);
      return;
    }
    const { event, stage } = happened;
    if (event === 'begun') {
      const { total } = stage;
      shown.set(stage.name, stream.isTTY && total !== null ? bar(stage, total, stream) : lines(print));
    } else if (event === 'advanced') {
      shown.get(stage.name)?.advance(stage);
    } else {
      shown.get(stage.name)?.close();
      shown.delete(stage.name);
      if (event !== 'finished' || stage.seconds >= shortestSeconds) print(endLine(event, stage));
    }
  };
}

/** What is on the screen of a stage that has begun. */
interface ShownStage {
  advance(state: StageState): void;
  close(): void;
}

/** Plain lines: one when the stage begins to take long, then every few seconds. */
function lines(print: (line: string) => void): ShownStage {
  let lastLine = 0;
  return {
    advance: (state) => {
      const { name, done, total, unit, seconds } = state;
      if (total === null || seconds - lastLine < LINE_INTERVAL_SECONDS) return;
      lastLine = seconds;
      const percent = Math.floor((100 * done) / total);
      print([`${name}: ${ofTotal(done, total, unit)} (${percent} %)`, ...pace(state)].join(', '));
    },
    close: () => {},
  };
}

/** A bar with the rate and the time left, which gives way to one line at the end. */
function bar(begun: StageState, total: number, stream: NodeJS.WriteStream): ShownStage {
  const { name, unit } = begun;
  // Loaded where there is a terminal.
  const { SingleBar } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  const shown = new SingleBar({
    stream,
    format: `${name} {bar} {percentage} % | {figures}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
  });
  const figures = (state: StageState) => [ofTotal(state.done, total, unit), ...pace(state)].join(' | ');
  shown.start(total, 0, { figures: figures(begun) });
  return {
    advance: (state) => shown.update(state.done, { figures: figures(state) }),
    close: () => shown.stop(),
  };
}

/** How fast a stage is and how long it will still take; nothing before there is a measure of it. */
function pace({ done, total, unit, seconds }: StageState): string[] {
  if (done <= 0 || seconds <= 0) return [];
  const rate = done / seconds;
  const left = total === null || done >= total ? [] : [`${Math.ceil((total - done) / rate)} s left`];
  return [`${amount(rate, unit)}/s`, ...left];
}

/** The line that stays of a stage: what has really been done, and whether that is all. */
function endLine(event: StageEnd, { name, done, total, unit, seconds }: StageState): string {
  const time = `${seconds.toFixed(2)} s`;
  if (event !== 'finished') {
    const extent = total === null ? '' : `, ${ofTotal(done, total, unit)}`;
    return `${name}: ${event} after ${time}${extent}`;
  }
  if (total === null) return `${name}: ${time}`;
  return `${name}: ${time}, ${amount(done, unit)}, ${amount(seconds > 0 ? done / seconds : 0, unit)}/s`;
}

/** An amount with its unit, for a person. */
function amount(value: number, unit: Unit): string {
  return unit === 'bytes' ? formatBytes(value) : counted(Math.round(value), 'row');
}

function ofTotal(done: number, total: number, unit: Unit): string {
  return unit === 'bytes'
    ? `${formatBytes(done)} of ${formatBytes(total)}`
    : `${count(done)} of ${amount(total, unit)}`;
}
