import type { Verification } from '../checks/verdict.js';
import { type Caller, withContext } from './caller.js';
import { configDefaults } from './config.js';
import { verifyRun } from './verify-run.js';

/** Where the inputs of a run lie now, if not where it recorded them, and on how many threads they are read. */
export interface VerifyOptions {
  model?: string | undefined;
  metric?: string | undefined;
  /** Default: the cores available. */
  workers?: number | undefined;
}

/**
 * Checks a finished run again, from the bytes on disk: its inputs are those that it was made from, its files those
 * that it recorded, and the identities hold.
 *
 * @param directory output directory of the run
 * @returns every check with its deviation and tolerance; `passed` tells whether all of them passed
 * @throws EigenshardError: 'input' where run, checkpoint or metric cannot be read or are others, 'verification' where a
 *   file is not the recorded one, 'interrupted' after an abort
 */
export async function verify(
  directory: string,
  { workers = configDefaults.workers, ...options }: VerifyOptions & Caller = {},
): Promise<Verification> {
  return withContext(workers, options, async (context) => {
    const { verification } = await verifyRun(directory, options, context);
    return verification;
  });
}
