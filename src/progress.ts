import { SingleBar } from 'cli-progress';

/** How a run tells a person what it is doing. */
export interface Progress {
  /** Begins a stage of `total` rows (or none to count); `advance` as they are done, `finish` at its end. */
  stage(name: string, total?: number): StageProgress;
  /** A line that stays on the screen. */
  note(line: string): void;
}

export interface StageProgress {
  advance(rows: number): void;
  /** Ends the stage; returns its seconds. */
  finish(): number;
}

/** Seconds between two lines of a stage where there is no terminal. */
const LINE_INTERVAL_SECONDS = 5;

/** @param shortestSeconds of a stage that takes less no line stays */
export function createProgress(stream: NodeJS.WriteStream, quiet: boolean, shortestSeconds = 0): Progress {
  if (quiet) return { stage: () => new Stage(() => {}), note: () => {} };
  const print = (line: string) => stream.write(`${line}\n`);
  const close = (name: string, total: number | undefined) => (seconds: number) => {
    if (seconds >= shortestSeconds) print(finishedLine(name, total, seconds));
  };
  return {
    stage: (name, total) =>
      stream.isTTY && total !== undefined
        ? new BarStage(name, total, stream, close(name, total))
        : new LineStage(name, total, print, close(name, total)),
    note: print,
  };
}

/** Times a stage; what it shows is up to those that extend it. */
class Stage implements StageProgress {
  protected readonly started = performance.now();
  protected rows = 0;
  readonly #close: (seconds: number) => void;

  constructor(close: (seconds: number) => void) {
    this.#close = close;
  }

  advance(rows: number): void {
    this.rows += rows;
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
  readonly #print: (line: string) => void;
  #lastLine = this.started;

  constructor(
    name: string,
    total: number | undefined,
    print: (line: string) => void,
    close: (seconds: number) => void,
  ) {
    super(close);
    this.#name = name;
    this.#total = total;
    this.#print = print;
  }

  override advance(rows: number): void {
    super.advance(rows);
    const now = performance.now();
    if (this.#total === undefined || now - this.#lastLine < LINE_INTERVAL_SECONDS * 1000) return;
    this.#lastLine = now;
    const rate = this.rows / this.seconds();
    const percent = Math.floor((100 * this.rows) / this.#total);
    const left = Math.ceil((this.#total - this.rows) / rate);
    this.#print(
      `${this.#name}: ${count(this.rows)} of ${count(this.#total)} rows (${percent} %), ` +
        `${count(rate)} rows/s, ${left} s left`,
    );
  }
}

/** A bar with rows per second and time left, which gives way to one line at the end. */
class BarStage extends Stage {
  readonly #bar: SingleBar;

  constructor(name: string, total: number, stream: NodeJS.WriteStream, close: (seconds: number) => void) {
    super((seconds) => {
      this.#bar.stop();
      close(seconds);
    });
    this.#bar = new SingleBar({
      stream,
      format: `${name} {bar} {percentage} % | {value} of {total} rows | {rate} rows/s | {eta} s left`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
    });
    this.#bar.start(total, 0, { rate: '-' });
  }

  override advance(rows: number): void {
    super.advance(rows);
    this.#bar.update(this.rows, { rate: count(this.rows / this.seconds()) });
  }
}

function finishedLine(name: string, total: number | undefined, seconds: number): string {
  const rate = total === undefined ? '' : `, ${count(total)} rows, ${count(total / seconds)} rows/s`;
  return `${name}: ${seconds.toFixed(2)} s${rate}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
