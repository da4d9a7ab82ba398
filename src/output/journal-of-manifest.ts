import { isDeepStrictEqual } from 'node:util';
import { Journal, type JournalEntry, type JournalHeader, journalRecord } from './journal.js';
import type { Manifest } from './manifest.js';
import { identityOfManifest } from './manifest-identity.js';
import { stageFile, stageOf } from './staged-files.js';

/** The header of the journal that a finished run has. */
export function headerOfManifest(manifest: Manifest): JournalHeader {
  const { fingerprint, execution, exports, tables, report } = manifest;
  return {
    step: 'run',
    fingerprint,
    identity: identityOfManifest(manifest),
    started: execution.started,
    exports: exports.map((file) => file.path),
    tables: [...(tables?.files ?? []), ...(report === null ? [] : [report])].map((file) => file.path),
    kernels: execution.kernels,
  };
}

/** The entries of that journal. */
export function entriesOfManifest({ metric, eigenbasis, partitions }: Manifest): JournalEntry[] {
  return [
    ...(metric.source === 'computed' ? [{ step: 'metric' as const, file: metric.file }] : []),
    { step: 'eigenbasis' as const, file: eigenbasis },
    ...partitions.map(({ files, crc32 }, index) => ({
      step: 'partition' as const,
      index,
      files: files.map((file) => ({ path: file.path, bytes: file.bytes, crc32: file.crc32 })),
      crc32,
    })),
  ];
}

/**
 * Makes the journal of a finished run that is being extended, on its stage: where the manifest is lost, it is what knows of
 * added exports and tables.
 *
 * @param former manifest from before
 * @param manifest with what has been added; where nothing has, only made again, the journal stays
 * @returns the manifest that records the journal
 */
export function stageJournal(directory: string, former: Manifest, manifest: Manifest): Manifest {
  const header = headerOfManifest(manifest);
  if (isDeepStrictEqual(header, headerOfManifest(former))) return manifest;
  const stage = stageOf(directory);
  Journal.create(stage, header, entriesOfManifest(manifest)).close();
  const journal = journalRecord(stage);
  stageFile(directory, journal);
  return { ...manifest, execution: { ...manifest.execution, journal } };
}
