import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import { asOutputError } from './write-error.js';

/** Files synced at once: half of libuv's threads, as others read ahead with them meanwhile. */
const CONCURRENCY = 2;

/** Waits until files, and their names in their directories, are on the disk, beside whatever else runs. */
export async function syncFiles(files: readonly string[]): Promise<void> {
  const limit = pLimit(CONCURRENCY);
  await limit.map(files, syncFile);
  for (const directory of new Set(files.map((file) => path.dirname(file)))) syncDirectory(directory);
}

async function syncFile(file: string): Promise<void> {
  try {
    // Some systems sync only what is open for writing.
    const handle = await open(file, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asOutputError(error, file);
  }
}

/** Makes the rename itself durable. Some systems (Windows, some network mounts) cannot sync a directory. */
export function syncDirectory(directory: string): void {
  try {
    const fd = openSync(directory === '' ? '.' : directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!cannotSync.has(code ?? '')) throw asOutputError(error, directory);
  }
}

const cannotSync: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR']);
