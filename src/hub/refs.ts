import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../files/make-directory.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { isCommit } from './reference.js';

/** Reads the commit that a file of a cache's refs/ says; null where there is none. */
export function readRef(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EISDIR: of the reference pr/1, pr is a directory.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw error;
  }
  return isCommit(text) ? text : null;
}

/** Writes a file of the cache's refs/, where it says another commit. */
export function writeRef(file: string, commit: string): void {
  if (readRef(file) === commit) return;
  makeDirectory(path.dirname(file));
  writeFileAtomically(file, [Buffer.from(commit)]);
}
