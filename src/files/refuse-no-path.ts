import { InputError } from '../errors.js';
import { shownValue } from '../text/shown-value.js';

/**
 * Refuses what is no path: callers without types may hand over anything, and an empty text would be the working directory.
 *
 * @param role what the path should be of
 * @throws InputError that says what came
 */
export function refuseNoPath(value: unknown, role: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw new InputError(`expected ${role}, a path, came ${shownValue(value)}`);
}
