import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { sweepPartialFiles } from '../files/partial-file.js';
import { lockDirectory } from '../files/wait-for-lock.js';
import { refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { readManifest, writeManifest } from '../output/manifest.js';
import { settleStage } from '../output/staged-files.js';
import { writeReport } from './write-report.js';

/**
 * Makes the report of a finished run again and records it in the manifest.
 *
 * @param note is told what is waited for
 * @returns its path
 * @throws InputError where there is no finished run, or it has no tables
 */
export async function renewReport(
  directory: string,
  note: (line: string) => void = () => {},
): Promise<string> {
  // Before the lock, which only the directory of a run takes.
  readManifest(directory);
  const lock = await lockDirectory(directory, { note });
  return withCleanUp(
    async () => {
      settleStage(directory);
      sweepPartialFiles(directory);
      const manifest = readManifest(directory);
      await refuseDamagedBasis(directory, manifest);
      const report = await writeReport(directory, manifest);
      writeManifest(directory, { ...manifest, report });
      return path.join(directory, report.path);
    },
    () => lock.release(),
  );
}
