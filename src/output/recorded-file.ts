import { createHash } from 'node:crypto';
import path from 'node:path';
import { chunksOf } from '../files/chunks.js';
import type { FileRecord } from '../files/file-record.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { type FileLayout, fileChunks } from '../formats/layout.js';

/** Writes a whole file of arrays that are in memory, atomically, and records it. `relativePath` has '/'. */
export function writeRecordedFile(
  directory: string,
  relativePath: string,
  layout: FileLayout,
  tensors: readonly ArrayBufferView[],
): FileRecord {
  const chunks = fileChunks(layout, tensors);
  const hash = createHash('sha256');
  for (const chunk of chunks.flatMap((all) => [...chunksOf(all)])) hash.update(chunk);
  writeFileAtomically(path.join(directory, relativePath), chunks);
  return { path: relativePath, bytes: layout.bytes, sha256: hash.digest('hex') };
}
