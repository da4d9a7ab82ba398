/** How a run tells whoever watches what it is doing. */
export interface Progress {
  /** Begins a stage of `total` units (or none to count); `advance` as they are done, `end` when it is over. */
  stage(name: string, total?: number, unit?: Unit): StageProgress;
  /** A line that stays on the screen. */
  note(line: string): void;
}

/** What a stage counts. */
export type Unit = 'rows' | 'bytes';

/** A stage that has begun. */
export interface StageProgress {
  /** Adds to what is done; takes away, where it is below 0, what a task has lost that did not come to its end. */
  advance(count: number): void;
  /** Ends the stage; returns its seconds. */
  end(how: StageEnd): number;
}

/** How a stage ends: with all that it was to do, or before that. */
export type StageEnd = 'finished' | 'interrupted' | 'failed';

/**
 * Something that happened in a run, for a person or a program that watches: a line to show, or a stage that has begun,
 * advanced or ended. Stages may go on beside each other; a name tells them apart.
 */
export type ProgressEvent =
  | { event: 'note'; line: string }
  | { event: 'begun' | 'advanced' | StageEnd; stage: StageState };

/** How far a stage is. */
export interface StageState {
  /** 'scan', 'covariance', 'projection', ... */
  name: string;
  /** Rows or bytes done so far: fewer than before where a task that failed has to be done again. */
  done: number;
  /** Of how many; null where there is nothing to count. */
  total: number | null;
  unit: Unit;
  /** Seconds since the stage began. */
  seconds: number;
}

/** Turns what a run reports into events. */
export function eventProgress(tell: (event: ProgressEvent) => void): Progress {
  return {
    note: (line) => tell({ event: 'note', line }),
    stage: (name, total, unit = 'rows') => {
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      let done = 0;
      const state = () => ({ name, done, total: total ?? null, unit, seconds: seconds() });
      tell({ event: 'begun', stage: state() });
      return {
        advance: (count) => {
          done += count;
          tell({ event: 'advanced', stage: state() });
        },
        end: (how) => {
          const ended = state();
          tell({ event: how, stage: ended });
          return ended.seconds;
        },
      };
    },
  };
}

/** Times stages and shows nothing. */
export const silentProgress: Progress = eventProgress(() => {});
