import { createHash } from 'node:crypto';
import { withFile } from './open-file.js';

/**
 * Computes the SHA-256 (hex) of a file, without keeping it in memory.
 *
 * @param role what the file is to the user, for messages
 */
export function hashFile(file: string, role: string): Promise<string> {
  return withFile(file, role, async ({ handle }) => {
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('hex');
  });
}
