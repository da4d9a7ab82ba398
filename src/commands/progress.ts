import { SingleBar } from 'cli-progress';
import { type Progress, type StageProgress, silentProgress, type Unit } from '../run/progress.js';
import { formatBytes } from '../text/figures.js';

/** Seconds between two lines of a stage where there is no terminal. */
const LINE_INTERVAL_SECONDS = 5;

/** @param shortestSeconds of a stage that takes less no line stays */
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
