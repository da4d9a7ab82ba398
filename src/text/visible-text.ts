/**
 * Shows a token's text as a quoted string in which nothing is invisible and nothing acts: control characters, unusual
 * spaces, characters that change the direction of writing and lone surrogates stand as escapes of JavaScript.
 * Safe for a terminal; a page still inserts it as text.
 */
export function visibleText(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(unseen, (character) => {
    const known = shortEscapes[character];
    return known ?? `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
  return `"${escaped}"`;
}

/** Shows text that is no token without quotes: only what would act on a terminal or a line is escaped. */
export function harmlessText(text: string): string {
  return text.replace(unseen, (character) => visibleText(character).slice(1, -1));
}

/** Shows JSON with the escapes of JSON for all that would act on a terminal or a line: what is read of it is the same. */
export function harmlessJson(json: string): string {
  return json.replace(unseen, (character) =>
    Array.from(
      { length: character.length },
      (_, k) => `\\u${character.charCodeAt(k).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** Characters to escape: other, separators but the plain space, and marks that would join the quote before them. */
const unseen = /(?! )[\p{C}\p{Z}]|(?<=^)\p{M}/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
