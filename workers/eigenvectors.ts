import { closeSync, openSync } from 'node:fs';
import { readFully } from '../src/input/read-fully.js';
import type { EigenvectorsReference } from './messages.js';

let held: { sha256: string; values: Float32Array } | undefined;

/** The eigenvectors, float32 [d, d] row-major: read from their file once in a worker's life, then kept. */
export function eigenvectorsOf({ file, byteOffset, hidden, sha256 }: EigenvectorsReference): Float32Array {
  if (held?.sha256 === sha256) return held.values;
  const values = new Float32Array(hidden * hidden);
  const descriptor = openSync(file, 'r');
  try {
    readFully(descriptor, new Uint8Array(values.buffer), byteOffset, file);
  } finally {
    closeSync(descriptor);
  }
  held = { sha256, values };
  return values;
}
