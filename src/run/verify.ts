import { z } from 'zod';
import type { Verification } from '../checks/verdict.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { verifyRun } from './verify-run.js';

/** Where the inputs of a run lie now, and on how many threads they are read. */
export interface VerifyOptions {
  /** The checkpoint: a path, or owner/name@revision on the hub. Default: where the run recorded it. */
  model?: string | undefined;
  /** The metric file, of a run whose metric was given. Default: where the run recorded it. */
  metric?: string | undefined;
  /** Compute the residual of the eigenbasis, which is estimated otherwise: twice the time of its other check. Default: false. */
  exact?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** What `verify` found. */
export interface FoundVerification extends Verification {
  /** What could not be checked, and why: an input is not at hand. Empty where everything was. */
  unchecked: string[];
}

const verifySchema = z.strictObject({
  model: configSchema.shape.model,
  metric: configSchema.shape.metric,
  exact: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<VerifyOptions & Caller>;

/**
 * Checks a finished run again, from the bytes on disk: its inputs are those that it was made from, its files those
 * that it recorded, and the identities hold. Nothing is changed, and nothing is written to a stream.
 *
 * @param directory output directory of the run
 * @param options where the inputs lie now, and how the verification is watched and stopped
 * @returns every check with its deviation and tolerance, and in `passed` whether none of them failed; `unchecked` says what
 *   could not be checked because an input is not at hand
 * @throws EigenshardError of the kind 'input' where there is no run, or checkpoint or metric are others, 'verification'
 *   where manifest, eigenbasis or computed metric are damaged, 'interrupted' after an abort
 */
export async function verify(
  directory: string,
  options: VerifyOptions & Caller = {},
): Promise<FoundVerification> {
  const checked = checkConfig(verifySchema, options, 'options');
  const { workers = configDefaults.workers, exact: isExact = false, model, metric } = checked;
  return withContext(workers, options, async (context) => {
    const { verification, unchecked } = await verifyRun(directory, { model, metric, isExact }, context);
    return { ...verification, unchecked };
  });
}
