import { createHash } from 'node:crypto';
import path from 'node:path';
import { chunksOf } from '../files/chunks.js';
import type { FileRecord } from '../files/file-record.js';
import { writeFileAside, writeFileAtomically } from '../files/partial-file.js';
import { type FileLayout, fileChunks } from '../formats/layout.js';

/** Writes a whole file of arrays that are in memory, atomically, and records it. `relativePath` has '/'. */
export function writeRecordedFile(
  directory: string,
  relativePath: string,
  layout: FileLayout,
  tensors: readonly ArrayBufferView[],
): FileRecord {
  const chunks = fileChunks(layout, tensors);
  writeFileAtomically(path.join(directory, relativePath), chunks);
  return recordOf(relativePath, layout, chunks);
}

/**
 * Writes a file as `writeRecordedFile` does, but does not keep this thread while it is written, only while it is hashed. The arrays
 * must stay as they are meanwhile.
 */
export async function writeRecordedFileAside(
  directory: string,
  relativePath: string,
  layout: FileLayout,
  tensors: readonly ArrayBufferView[],
): Promise<FileRecord> {
  const chunks = fileChunks(layout, tensors);
  const written = writeFileAside(path.join(directory, relativePath), chunks);
  const record = recordOf(relativePath, layout, chunks);
  await written;
  return record;
}

function recordOf(relativePath: string, { bytes }: FileLayout, chunks: readonly Uint8Array[]): FileRecord {
  const hash = createHash('sha256');
  for (const chunk of chunks.flatMap((all) => [...chunksOf(all)])) hash.update(chunk);
  return { path: relativePath, bytes, sha256: hash.digest('hex') };
}
