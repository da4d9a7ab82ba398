import { createHash } from 'node:crypto';

/** How a sealed text ends: the seal is the last member of its one JSON object. */
const ENDING = '\n}\n';
const MEMBER = ',\n  "seal": ';

/** What a seal is not: whoever changes a file on purpose can seal it again. */
const MEANING = 'SHA-256 of this file without its seal: it shows damage, and is no signature';

/** The text of a JSON object with a seal over all of its other bytes. */
export function sealedText(body: object): string {
  const text = `${JSON.stringify(body, null, 2)}\n`;
  return `${text.slice(0, -ENDING.length)}${sealOf(text)}`;
}

/** Whether a text is what `sealedText` gave, to the last byte. */
export function isSealed(text: string): boolean {
  const start = text.lastIndexOf(MEMBER);
  if (start < 0) return false;
  return text.slice(start) === sealOf(`${text.slice(0, start)}${ENDING}`);
}

function sealOf(text: string): string {
  const sha256 = createHash('sha256').update(text).digest('hex');
  return `${MEMBER}${JSON.stringify({ sha256, meaning: MEANING })}${ENDING}`;
}
