import { InputError } from '../src/errors.js';
import { IrregularFileError } from '../src/files/open-file.js';
import { isMissing } from '../src/files/system-error.js';
import { endIfInterrupted } from './interruption.js';

/**
 * Says in words why a file of a run could not be read.
 *
 * @param name what the file is called in messages
 * @param file path by which it was opened
 */
export function fileProblem(error: unknown, name: string, file: string): string {
  // An interruption says nothing of the file.
  endIfInterrupted();
  if (error instanceof IrregularFileError) return `${name}: is no regular file`;
  if (error instanceof InputError && isMissing(error.cause)) return `${name}: is missing`;
  const message = error instanceof Error ? error.message : String(error);
  const place = [name, file].find((path) => message.startsWith(`${path}: `));
  return `${name}: ${place === undefined ? message : message.slice(place.length + 2)}`;
}
