import { InputError } from '../errors.js';
import type { Stage } from '../plan/stages.js';
import { visibleText } from '../text/visible-text.js';

/** A planned run that the processes of an engine, such as Slurm, are to compute. */
export interface Launch {
  /** Absolute path of the run's directory, which is the same wherever a process runs. */
  run: string;
  /** Stages of the run, in their order. */
  stages: readonly Stage[];
  /** Number of processes that share the units of a stage. */
  workers: number;
  /** Options of every `eigenshard step`, beside --workers. */
  stepOptions: readonly string[];
  /** Options of the engine's own commands, word by word, as a user gave them. */
  engineOptions: readonly string[];
}

/** A script that has an engine compute a run. */
export interface LaunchScript {
  /** Script of bash. */
  text: string;
  /** Words that start it, before its path. */
  start: readonly string[];
}

/** Number of processes that a stage can use: one without a unit would have nothing to do. */
export function processesOf({ units }: Stage, { workers }: Launch): number {
  return Math.min(units, workers);
}

/**
 * Refuses what no line of a script can hold: a path or an option with a line feed or another control character, and
 * options that do not begin as such.
 *
 * @param engine name of the engine's command, for the message
 * @throws InputError that says which
 */
export function refuseStrange({ run, engineOptions }: Launch, engine: string): void {
  const strange = [run, ...engineOptions].find((text) => /\p{Cc}/u.test(text));
  if (strange !== undefined) {
    throw new InputError(
      `${visibleText(strange)}: has a control character, which no script for ${engine} can hold; take it away`,
    );
  }
  const [first] = engineOptions;
  if (first !== undefined && !first.startsWith('-')) {
    throw new InputError(
      `${first}: expected an option of ${engine}, which begins with -; there is one RUN, and options of ${engine} stand behind --`,
    );
  }
}
