/** How a run tells whoever watches what it is doing. */
export interface Progress {
  /** Begins a stage of `total` units (or none to count); `advance` as they are done, `finish` at its end. */
  stage(name: string, total?: number, unit?: Unit): StageProgress;
  /** A line that stays on the screen. */
  note(line: string): void;
}

/** What a stage counts. */
export type Unit = 'rows' | 'bytes';

/** A stage that has begun. */
export interface StageProgress {
  advance(count: number): void;
  /** Ends the stage; returns its seconds. */
  finish(): number;
}

/** Times stages and shows nothing. */
export const silentProgress: Progress = {
  stage: () => {
    const started = performance.now();
    return { advance: () => {}, finish: () => (performance.now() - started) / 1000 };
  },
  note: () => {},
};
