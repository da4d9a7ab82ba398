/**
 * Parses JSON and refuses an object that has the same key twice: JSON.parse keeps the last one silently, so two
 * readers of one file could see two different tensors under one name.
 *
 * @throws SyntaxError with a message for the user
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const repeated = findRepeatedKey(text);
  if (repeated !== null) throw new SyntaxError(`the key ${JSON.stringify(repeated)} occurs twice`);
  return value;
}

/** Takes a JSON object as a plain record of unknown values; null for anything else. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/** Every string with the colon that makes it a key, and every bracket that opens or closes an object. */
const keysAndBraces = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/gs;

/**
 * Finds a key that an object has twice.
 *
 * @param text valid JSON
 */
function findRepeatedKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(keysAndBraces)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (string !== undefined && colon !== undefined) {
      // Parsed, because "a" and "\u0061" are one key.
      const key = JSON.parse(string) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}
