import { SingleBar } from 'cli-progress';
import {
  type Progress,
  type ProgressEvent,
  type StageProgress,
  silentProgress,
  type Unit,
} from '../run/progress.js';
import { formatBytes } from '../text/figures.js';

/** Seconds between two lines of a stage where there is no terminal. */
const LINE_INTERVAL_SECONDS = 5;

/**
 * Shows stages on `stream`: as bars on a terminal, else as lines.
 * @param shortestSeconds of a stage that takes less no line stays
 */
export function createProgress(stream: NodeJS.WriteStream, quiet: boolean, shortestSeconds = 0): Progress {
  if (quiet) return silentProgress;
  const print = (line: string) => stream.write(`${line}\n`);
  const close = (name: string, total: number | undefined, unit: Unit) => (seconds: number) => {
    if (seconds >= shortestSeconds) print(finishedLine(name, total, unit, seconds));
  };
  return {
    stage: (name, total, unit = 'rows') =>
      stream.isTTY && total !== undefined
        ? new BarStage(name, total, unit, stream, close(name, total, unit))
        : new LineStage(name, total, unit, print, close(name, total, unit)),
    note: print,
  };
}

/**
 * Shows the events of a run on `stream`.
 * @param shortestSeconds of a stage that takes less no line stays
 */
export function showProgress(
  stream: NodeJS.WriteStream,
  quiet: boolean,
  shortestSeconds = 0,
): (event: ProgressEvent) => void {
  const progress = createProgress(stream, quiet, shortestSeconds);
  const stages = new Map<string, { shown: StageProgress; done: number }>();
  return (happened) => {
    if (happened.event === 'note') {
      progress.note(happened.line);
      return;
    }
    const { name, done, total, unit } = happened.stage;
    if (happened.event === 'begun') {
      stages.set(name, { shown: progress.stage(name, total ?? undefined, unit), done: 0 });
      return;
    }
    const stage = stages.get(name);
    if (done > (stage?.done ?? 0)) stage?.shown.advance(done - stage.done);
    if (stage !== undefined) stage.done = done;
    if (happened.event === 'finished') {
      stage?.shown.finish();
      stages.delete(name);
    }
  };
}

/** Times a stage; what it shows is up to those that extend it. */
class Stage implements StageProgress {
  protected readonly started = performance.now();
  protected done = 0;
  readonly #close: (seconds: number) => void;

  constructor(close: (seconds: number) => void) {
    this.#close = close;
  }

  advance(count: number): void {
    this.done += count;
  }

  finish(): number {
    const seconds = this.seconds();
    this.#close(seconds);
    return seconds;
  }

  protected seconds(): number {
    return (performance.now() - this.started) / 1000;
  }
}

/** Plain lines: one when the stage begins to take long, then every few seconds, one at its end. */
class LineStage extends Stage {
  readonly #name: string;
  readonly #total: number | undefined;
  readonly #unit: Unit;
  readonly #print: (line: string) => void;
  #lastLine = this.started;

  constructor(
    name: string,
    total: number | undefined,
    unit: Unit,
    print: (line: string) => void,
    close: (seconds: number) => void,
  ) {
    super(close);
    this.#name = name;
    this.#total = total;
    this.#unit = unit;
    this.#print = print;
  }

  override advance(count: number): void {
    super.advance(count);
    const now = performance.now();
    if (this.#total === undefined || now - this.#lastLine < LINE_INTERVAL_SECONDS * 1000) return;
    this.#lastLine = now;
    const show = amounts[this.#unit];
    const rate = this.done / this.seconds();
    const percent = Math.floor((100 * this.done) / this.#total);
    const left = Math.ceil((this.#total - this.done) / rate);
    this.#print(
      `${this.#name}: ${show(this.done)} of ${show(this.#total)} (${percent} %), ${show(rate)}/s, ${left} s left`,
    );
  }
}

/** A bar with the rate and the time left, which gives way to one line at the end. */
class BarStage extends Stage {
  readonly #bar: SingleBar;
  readonly #unit: Unit;

  constructor(
    name: string,
    total: number,
    unit: Unit,
    stream: NodeJS.WriteStream,
    close: (seconds: number) => void,
  ) {
    super((seconds) => {
      this.#bar.stop();
      close(seconds);
    });
    this.#unit = unit;
    const show = amounts[unit];
    this.#bar = new SingleBar({
      stream,
      format: `${name} {bar} {percentage} % | {done} of ${show(total)} | {rate}/s | {eta} s left`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
    });
    this.#bar.start(total, 0, { done: show(0), rate: '-' });
  }

  override advance(count: number): void {
    super.advance(count);
    const show = amounts[this.#unit];
    this.#bar.update(this.done, { done: show(this.done), rate: show(this.done / this.seconds()) });
  }
}

function finishedLine(name: string, total: number | undefined, unit: Unit, seconds: number): string {
  const show = amounts[unit];
  const rate = total === undefined ? '' : `, ${show(total)}, ${show(total / seconds)}/s`;
  return `${name}: ${seconds.toFixed(2)} s${rate}`;
}

/** An amount with its unit, for a person. */
const amounts: Readonly<Record<Unit, (value: number) => string>> = {
  rows: (value) => `${Math.round(value).toLocaleString('en-US')} rows`,
  bytes: formatBytes,
};
