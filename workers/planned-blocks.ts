import { closeSync, fstatSync } from 'node:fs';
import path from 'node:path';
import type { ExpectedFile } from '../src/files/file-record.js';
import { readFully } from '../src/files/read-fully.js';
import type { ColumnBlock } from './column-block.js';
import { FileDigest, type Findings, openOrReport } from './file-digest.js';

/** A partition's file that is being read, from its first byte to its last. */
export interface PlannedFile {
  /** Fills `bytes` with those that come next. */
  read: (bytes: Uint8Array) => Uint8Array;
  /** Reports the bytes that come next, or `stored` ones, where they are others than planned. */
  compare: (planned: Uint8Array, what: string, stored?: Uint8Array) => void;
}

/**
 * Reads a partition's file, and yields its projections. Everything in it that is not a projection must be, byte for byte,
 * what the plan says; what the file says of itself is not asked. What is wrong with it is added to `findings`; a file
 * that is missing or of the wrong length yields nothing.
 *
 * @param planned the file as it was recorded, and the length that it must have
 * @param blocks reads all bytes in order
 */
export function* plannedBlocks(
  directory: string,
  { record, bytes: length }: { record: ExpectedFile; bytes: number },
  findings: Findings,
  blocks: (file: PlannedFile) => Iterable<ColumnBlock>,
): Generator<ColumnBlock> {
  const file = path.join(directory, record.path);
  const descriptor = openOrReport(file, record, findings);
  if (descriptor === null) return;
  try {
    const { size } = fstatSync(descriptor);
    if (size !== length) {
      findings.problems.push(`${record.path}: ${size} bytes, where ${length} were planned`);
      return;
    }
    const digest = new FileDigest(findings);
    let position = 0;
    const read = (bytes: Uint8Array) => {
      readFully(descriptor, bytes, position, file);
      digest.update(bytes);
      position += bytes.length;
      return bytes;
    };
    const compare = (planned: Uint8Array, what: string, stored = read(new Uint8Array(planned.length))) => {
      if (Buffer.compare(stored, planned) !== 0)
        findings.problems.push(`${record.path}: the ${what} is not as planned`);
    };
    yield* blocks({ read, compare });
    digest.finish(record, findings);
  } finally {
    closeSync(descriptor);
  }
}
