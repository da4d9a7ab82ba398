import path from 'node:path';
import { InputError } from '../errors.js';

/**
 * The absolute path of a file that the manifest of the run in `directory` names.
 * @throws InputError where it would lie outside: a manifest may come from anywhere
 */
export function runFile(directory: string, name: string): string {
  const root = path.resolve(directory);
  const file = path.resolve(root, name);
  if (file.startsWith(root + path.sep)) return file;
  throw new InputError(`${directory}: its manifest names the file ${name}, which lies outside of the run`);
}
