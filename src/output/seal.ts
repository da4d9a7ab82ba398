import { createHash } from 'node:crypto';
import { parseJson } from '../files/json.js';
import type { RunStore } from './run-store.js';

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
  const sha256 = sha256Of(text);
  return `${MEMBER}${JSON.stringify({ sha256, meaning: MEANING })}${ENDING}`;
}

/** A JSON object on one line, with the SHA-256 of all that stands before it as its last member. */
export function sealedLine(body: object): string {
  const text = JSON.stringify(body);
  return `${text.slice(0, -1)},"sha256":"${sha256Of(text)}"}`;
}

/** What a line says that `sealedLine` gave; null where a byte of it is another one. */
export function unsealedLine(line: string): unknown {
  const [, body, sha256] = /^(\{.+),"sha256":"([0-9a-f]{64})"\}$/s.exec(line) ?? [];
  if (body === undefined || sha256Of(`${body}}`) !== sha256) return null;
  try {
    return parseJson(`${body}}`);
  } catch {
    return null;
  }
}

/** The bytes of a file that is one sealed line. */
export function sealedFile(body: object): Buffer {
  return Buffer.from(`${sealedLine(body)}\n`);
}

/** What a file says that `sealedFile` gave; null where there is none, or a byte of it is another one. */
export function readSealedFile(store: RunStore, name: string): unknown {
  const bytes = store.read(name);
  return bytes === null ? null : unsealedLine(Buffer.from(bytes).toString().trimEnd());
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
