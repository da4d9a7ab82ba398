import { type Check, failedText } from '../checks/verdict.js';
import { VerificationError } from '../errors.js';

/**
 * Refuses to keep what fails a check.
 *
 * @param where it was found, for the message
 * @throws VerificationError that names the checks that failed, where some did
 */
export function refuseFailed(where: string, checks: readonly Check[]): void {
  const failed = failedText(checks);
  if (failed === null) return;
  const details = checks
    .filter(({ verdict }) => verdict === 'failed')
    .map(
      ({ name, what, measured, tolerance }) =>
        `${name}: ${what} is ${measured}, at most ${tolerance} was expected`,
    );
  throw new VerificationError(
    `${where}: ${failed}, and nothing was written:\n${details.join('\n')}\nSee what \`verify\` says of the run, and try again`,
  );
}
