import path from 'node:path';
import { failedText } from '../checks/verdict.js';
import { EigenshardError, type ErrorKind } from '../errors.js';
import type { RunFolder } from '../output/run-folders.js';
import type { Caller } from '../run/caller.js';
import { type FoundVerification, type VerifyOptions, verify } from '../run/verify.js';
import { worstKind } from './worst-kind.js';

/** What the verification of one run of a batch came to: what was found, or why nothing could be. */
export type VerifiedRunOfBatch = { directory: string } & (
  | { found: FoundVerification; problem: null }
  | { found: null; problem: EigenshardError }
);

/**
 * Verifies every run in the folder of a batch, one after the other; a run that cannot be verified does not keep the
 * others from it.
 *
 * @param onVerified is told of each run as soon as it is known
 * @throws EigenshardError of the kind 'interrupted' after an abort
 */
export async function verifyBatch(
  directory: string,
  runs: readonly RunFolder[],
  options: Pick<VerifyOptions, 'workers' | 'exact'> & Caller,
  onVerified: (run: VerifiedRunOfBatch) => void,
): Promise<void> {
  for (const { name } of runs) {
    const run = path.join(directory, name);
    try {
      onVerified({ directory: run, found: await verify(run, options), problem: null });
    } catch (error) {
      if (!(error instanceof EigenshardError) || error.kind === 'interrupted') throw error;
      onVerified({ directory: run, found: null, problem: error });
    }
  }
}

/** What is wrong with a batch: the worst kind of failure and a line for each run that has one; null where all is well. */
export function failureOfBatch(
  runs: readonly VerifiedRunOfBatch[],
): { kind: ErrorKind; lines: string[] } | null {
  const failures = runs.flatMap(({ directory, found, problem }) => {
    if (problem !== null) return [{ kind: problem.kind, line: problem.message }];
    if (!found.passed)
      return [{ kind: 'verification' as const, line: `${directory}: ${failedText(found.checks)}` }];
    if (found.unchecked.length > 0)
      return [{ kind: 'input' as const, line: `${directory}: ${found.unchecked.join('\n')}` }];
    return [];
  });
  const worst = worstKind(failures.map(({ kind }) => kind));
  return worst === null ? null : { kind: worst, lines: failures.map(({ line }) => line) };
}
