import { InputError } from '../errors.js';
import { isLfsPointer, lfsPointer } from '../files/lfs-pointer.js';
import { readBytes, withFile } from '../files/open-file.js';
import { npyMagic } from './npy.js';

/** `torch` is a zip archive (torch.save), `pickle` the formats before it. */
export type Format = 'safetensors' | 'npy' | 'torch' | 'pickle';

/**
 * Decides what a file is by its first bytes. Its name does not count: files are renamed more often than rewritten.
 *
 * @param role what the file is to the user, for messages
 * @param expected the formats that fit here, for the message about any other
 * @throws InputError where the first bytes are of no known format
 */
export async function detectFormat(file: string, role: string, expected: string): Promise<Format> {
  const head = await withFile(file, role, (opened) => readBytes(opened, 0, Math.min(16, opened.size)));
  for (const [format, signature] of signatures) {
    if (signature.every((byte, index) => byte === null || byte === head[index])) return format;
  }
  if (isLfsPointer(head)) throw lfsPointer(file);
  throw new InputError(
    `${file}: expected ${role} as ${expected}, but the file ${describeStart(head)}; ` +
      'it may be damaged, or be in another format: check it, or save it again',
  );
}

/** First bytes; null stands for any byte. */
const signatures: readonly (readonly [Format, readonly (number | null)[]])[] = [
  ['torch', [0x50, 0x4b, 0x03, 0x04]],
  ['npy', npyMagic],
  // Header length, below 2^32 in every valid file, and the opening brace of the header.
  ['safetensors', [null, null, null, null, 0x00, 0x00, 0x00, 0x00, 0x7b]],
  // After safetensors, whose header length may begin with this byte too.
  ['pickle', [0x80]],
];

function describeStart(head: Uint8Array): string {
  if (head.length === 0) return 'is empty';
  return `begins with the bytes ${Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
}
