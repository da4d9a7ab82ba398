import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { asRecord, parseJson } from './json.js';
import { asInputError } from './read-error.js';

/**
 * Reads a JSON file that must hold an object.
 *
 * @param role what the file is to the user, for messages
 */
export async function readJsonObject(file: string, role: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new InputError(`${file}: not valid JSON: ${error.message}; copy or download it again`, {
        cause: error,
      });
    }
    throw asInputError(error, file, role);
  }
  const record = asRecord(value);
  if (record === null)
    throw new InputError(`${file}: expected ${role} as a JSON object; copy or download it again`);
  return record;
}
