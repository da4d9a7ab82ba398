import { InputError } from '../errors.js';
import { asRecord, parsePythonJson } from './json.js';
import { readText } from './read-text.js';

/**
 * Reads a JSON file, written by Python or by hand, that must hold an object.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where it cannot be read or holds something else
 */
export async function readJsonObject(file: string, role: string): Promise<Record<string, unknown>> {
  const text = await readText(file, role);
  // Windows' editors begin a file with a byte order mark, which is no JSON.
  const record = asRecord(parse(text.replace(/^\ufeff/, ''), file));
  if (record !== null) return record;
  throw new InputError(
    `${file}: expected ${role} as a JSON object; correct it, or copy it from a good source`,
  );
}

function parse(text: string, file: string): unknown {
  try {
    return parsePythonJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InputError(
      `${file}: not valid JSON: ${error.message}; correct it, or copy it from a good source`,
      { cause: error },
    );
  }
}
