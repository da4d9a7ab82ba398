import { createHash } from 'node:crypto';
import type { HubFile } from './repository.js';

/** The hash (hex) by which the hub names these bytes. */
export function contentHash(bytes: Uint8Array, algorithm: HubFile['algorithm']): string {
  switch (algorithm) {
    case 'sha256':
      return createHash('sha256').update(bytes).digest('hex');
    case 'git-sha1':
      return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  }
}
