import { type Caller, withContext } from './caller.js';
import { checkOptions, type Options } from './config.js';
import { coordinateRun, type FinishedRun } from './coordinator.js';

/** What becomes of a run that lies in the output directory already. */
export interface RunFlags {
  /** Continue an unfinished run, or recognise a finished one. Default: false, and such a directory is refused. */
  resume?: boolean | undefined;
  /** Replace the run. Default: false. */
  overwrite?: boolean | undefined;
}

/**
 * Computes a run: decomposes the metric, projects every token, writes the partitions and verifies them. Nothing is
 * written to a stream; a second call with `resume` goes on where the first one was stopped.
 *
 * @param options as in a configuration file: `model` (or `synthetic`), `metric`, `out`, `workers`, ...
 * @returns the output directory and its manifest
 * @throws EigenshardError: 'input' for wrong options or files, 'run' for a full disk or a solver that does not
 *   converge, 'verification' where the bytes on disk fail a check, 'interrupted' after an abort
 */
export async function run(options: Options, caller: Caller & RunFlags = {}): Promise<FinishedRun> {
  const config = checkOptions(options, 'options');
  const { resume = false, overwrite = false } = caller;
  return withContext(config.workers, caller, (context) =>
    coordinateRun(config, { resume, overwrite }, context),
  );
}
