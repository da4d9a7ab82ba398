import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const holder = `${process.pid} ${hostname()}`;
  try {
    writeFileSync(file, holder, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const [pid, host] = readFileSync(file, 'utf8').split(' ');
    if (host !== hostname() || isAlive(Number(pid))) {
      throw new InputError(
        `${directory}: process ${pid} on ${host} is working there. Wait for it, or choose another --out. ` +
          `If that process is gone, remove ${file}`,
      );
    }
    writeFileSync(file, holder);
  }
  return () => rmSync(file, { force: true });
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
