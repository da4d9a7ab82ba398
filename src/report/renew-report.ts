import path from 'node:path';
import { lockDirectory } from '../files/lock.js';
import { readManifest, writeManifest } from '../output/manifest.js';
import { writeReport } from './write-report.js';

/**
 * Makes the report of a finished run again and records it in the manifest.
 * @returns its path
 * @throws InputError where there is no finished run, or it has no tables
 */
export async function renewReport(directory: string): Promise<string> {
  // Before the lock, which only the directory of a run takes.
  readManifest(directory);
  const unlock = lockDirectory(directory);
  try {
    const manifest = readManifest(directory);
    const report = await writeReport(directory, manifest);
    writeManifest(directory, { ...manifest, report });
    return path.join(directory, report.path);
  } finally {
    unlock();
  }
}
