import { closeSync, fstatSync } from 'node:fs';
import path from 'node:path';
import type { DirectRead } from '../src/files/direct-io.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { readFully } from '../src/files/read-fully.js';
import type { ColumnBlock } from './column-block.js';
import { FileDigest, type Findings, openOrReport } from './file-digest.js';

/** A partition's file that is being read, from its first byte to its last. */
export interface PlannedFile {
  /** Fills `bytes` with those that come next, unless they lie there already. */
  read: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Reports the bytes that come next, or `stored` ones, where they are others than planned. */
  compare: (planned: Uint8Array, what: string, stored?: Uint8Array) => Promise<void>;
}

/**
 * Reads a partition's file, and yields its projections. Everything in it that is not a projection must be, byte for byte,
 * what the plan says; what the file says of itself is not asked. What is wrong with it is added to `findings`; a file
 * that is missing or of the wrong length yields nothing.
 *
 * @param planned the file as it was recorded, and the length that it must have
 * @param ahead the file on its way to where it is read to; null where it is not
 * @param blocks reads all bytes in order
 */
export async function* plannedBlocks(
  directory: string,
  { record, bytes: length, ahead }: { record: ExpectedFile; bytes: number; ahead: DirectRead | null },
  findings: Findings,
  blocks: (file: PlannedFile) => AsyncIterable<ColumnBlock>,
): AsyncGenerator<ColumnBlock> {
  const file = path.join(directory, record.path);
  const descriptor = openOrReport(file, record, findings);
  try {
    if (descriptor === null) return;
    const { size } = fstatSync(descriptor);
    if (size !== length) {
      findings.problems.push(`${record.path}: ${size} bytes, where ${length} were planned`);
      return;
    }
    const digest = new FileDigest(findings);
    let position = 0;
    const read = async (bytes: Uint8Array) => {
      const bytesRead = (await ahead?.upTo(position + bytes.length)) ?? 0;
      const missing = bytes.subarray(Math.min(Math.max(bytesRead - position, 0), bytes.length));
      readFully(descriptor, missing, position + bytes.length - missing.length, file);
      digest.update(bytes);
      position += bytes.length;
      return bytes;
    };
    const compare = async (planned: Uint8Array, what: string, stored?: Uint8Array) => {
      if (Buffer.compare(stored ?? (await read(new Uint8Array(planned.length))), planned) !== 0)
        findings.problems.push(`${record.path}: the ${what} is not as planned`);
    };
    yield* blocks({ read, compare });
    digest.finish(record, findings);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
    await ahead?.end();
  }
}
