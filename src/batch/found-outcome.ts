import { existsSync } from 'node:fs';
import path from 'node:path';
import { EigenshardError } from '../errors.js';
import { DIRECTORY_LOCK, findLock, holderText } from '../files/lock.js';
import { readManifest } from '../output/manifest.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import type { BatchConfig } from './batch-config.js';
import { assumedName } from './batch-plan.js';
import type { Outcome } from './outcome.js';
import { runKey } from './run-folder.js';
import { readRunRecord } from './run-record.js';

/** Tells the state of a run that another process takes up, from what lies on disk of it. Nothing is waited for. */
export function foundOutcome(config: BatchConfig, index: number): Outcome {
  const options = config.runs[index]!;
  const record = readRunRecord(config.out, runKey(options));
  const run = { index, name: record?.name ?? assumedName(options), folder: record?.folder ?? null };
  if (record === null) return { status: 'waiting', run };
  const failed = (message: string): Outcome => ({ status: 'failed', run, message });
  const left = record.problem === null ? { status: 'unfinished' as const, run } : failed(record.problem);
  if (run.folder === null) return left;
  try {
    const directory = path.join(config.out, run.folder);
    // The lock is looked at first: a run that is finished in between is found finished.
    const lock = findLock(path.join(directory, DIRECTORY_LOCK));
    if (existsSync(path.join(directory, MANIFEST_NAME)))
      return { status: 'finished', run, manifest: readManifest(directory), finishedBefore: null };
    if (lock === null || lock.standing === 'gone') return left;
    return { status: 'computing', run, holder: holderText(lock.holder) };
  } catch (error) {
    if (!(error instanceof EigenshardError)) throw error;
    return failed(error.message);
  }
}
