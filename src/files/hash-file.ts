import { createHash } from 'node:crypto';
import { withFile } from './open-file.js';

/** Bytes of a read: enough that reading costs little beside hashing. */
const PIECE_BYTES = 256 * 1024;

/**
 * Computes the SHA-256 (hex) of a file, without keeping it in memory.
 *
 * @param role what the file is to the user, for messages
 */
export function hashFile(file: string, role: string): Promise<string> {
  return withFile(file, role, async ({ handle }) => {
    const hash = createHash('sha256');
    const pieces = handle.createReadStream({ autoClose: false, highWaterMark: PIECE_BYTES });
    for await (const piece of pieces) hash.update(piece);
    return hash.digest('hex');
  });
}
