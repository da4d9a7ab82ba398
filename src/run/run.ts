import { z } from 'zod';
import { InputError } from '../errors.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, checkOptions, type Options } from './config.js';
import { coordinateRun, type FinishedRun } from './coordinator.js';

/** What becomes of a run that lies in the output directory already; without `resume` or `overwrite` it is refused. */
export interface RunFlags {
  /**
   * Continue an unfinished run, make again what is missing or damaged of a finished one, begin where there is none.
   * Default: false.
   */
  resume?: boolean | undefined;
  /** Compare the checksum of every file of a finished run, not only of those that changed since. Default: false. */
  checksums?: boolean | undefined;
  /** Remove the files of the run that lies there, and begin again. Default: false. */
  overwrite?: boolean | undefined;
}

const callSchema = z.strictObject({
  ...callerShape,
  resume: z.boolean().optional(),
  checksums: z.boolean().optional(),
  overwrite: z.boolean().optional(),
}) satisfies z.ZodType<Caller & RunFlags>;

/**
 * Computes a run: decomposes the metric M [d, d], projects every token, p = gamma V, writes projections [V, d] float32,
 * eigenbasis and tables into the output directory, and verifies them. Nothing is written to a stream; a second call
 * with `resume` goes on where the first one was stopped.
 *
 * Memory: four matrices [d, d] of float64, and for every worker 65 MB and a partition, partitionRows * d * 4 bytes.
 *
 * @param options as in a configuration file: `model` (or `synthetic`), `metric`, `out`, `workers`, ...; relative
 *   paths are relative to the working directory
 * @param caller how the run is watched and stopped, and what becomes of a run that lies there already
 * @returns the output directory (absolute), its manifest, and whether the run was finished before
 * @throws EigenshardError of the kind 'input' for wrong options or files, 'run' for a full disk or a solver that does
 *   not converge, 'worker-died' for a task whose thread died three times, 'verification' where the bytes on disk fail
 *   a check, 'interrupted' after an abort; what was finished is kept for `resume`
 */
export async function run(options: Options, caller: Caller & RunFlags = {}): Promise<FinishedRun> {
  const config = checkOptions(options, 'options');
  const { resume = false, checksums = false, overwrite = false } = checkConfig(callSchema, caller, 'caller');
  if (resume && overwrite) throw new InputError('caller: resume and overwrite exclude each other: give one');
  if (checksums && !resume)
    throw new InputError('caller: checksums asks for resume, with which it compares files: give both');
  return withContext(config.workers, caller, (context) =>
    coordinateRun(config, { resume, checksums, overwrite }, context),
  );
}
