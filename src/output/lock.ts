import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { InputError } from '../errors.js';

const LOCK_NAME = '.eigenshard.lock';

/**
 * Keeps a second coordinator out of an output directory. A lock whose process of this machine is gone (it was
 * killed) is taken over.
 * @returns a function that gives the directory free again
 * @throws InputError while another run works there
 */
export function lockDirectory(directory: string): () => void {
  const file = path.join(directory, LOCK_NAME);
  if (!claim(file)) {
    const [pid, host] = readFileSync(file, 'utf8').split(' ');
    if (host !== hostname() || isAlive(Number(pid))) {
      throw new InputError(
        `${directory}: process ${pid} on ${host} is working there. Wait for it, or choose another --out. ` +
          `If that process is gone, remove ${file}`,
      );
    }
    rmSync(file);
    // Another process may have taken the stale lock over in the meantime.
    if (!claim(file)) return lockDirectory(directory);
  }
  return () => rmSync(file, { force: true });
}

/** Makes the lock appear with its contents at once, so that no reader meets an empty one; false where there is one. */
function claim(file: string): boolean {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${hostname()}`);
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine);
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
