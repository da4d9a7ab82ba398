import { closeSync, constants, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Whether files of a folder can be written past the system's file cache, from a page of memory. */
export function takesDirect(directory: string): boolean {
  const { O_DIRECT, O_CREAT, O_WRONLY } = constants;
  if (O_DIRECT === undefined) return false;
  const page = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
  try {
    const descriptor = openSync(path.join(directory, '.direct'), O_WRONLY | O_CREAT | O_DIRECT);
    try {
      return writeSync(descriptor, page, 0, page.length, 0) === page.length;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}
