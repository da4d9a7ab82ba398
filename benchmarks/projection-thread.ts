/** A thread of benchmarks/projection: the projection tasks of some partitions, their bare products, or bare files of their size. */

import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { ProjectInput } from '../src/executor/tasks.js';
import type { WrittenFile } from '../src/files/file-record.js';
import { createPartialFile } from '../src/files/partial-file.js';
import { KernelMemory } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { randomFloat32 } from '../test/helpers/random.js';
import { project } from '../workers/project.js';
import { withProjector } from '../workers/projector.js';
import { writeQuicker } from '../workers/quicker-write.js';

/** Request for the projection tasks of some partitions, for their products alone, or for files of their size alone. */
export interface ProjectionRequest {
  kind: 'stage' | 'products' | 'writes';
  inputs: readonly ProjectInput[];
}

/** Files that the stage wrote, in the order of the inputs, or why it failed. */
export type ProjectionReply = { files: WrittenFile[] } | { failure: string };

let gamma = new Float32Array();
let projections = new Float32Array();
let image: Uint8Array = new Uint8Array();

parentPort!.on('message', async (request: ProjectionRequest) => {
  let reply: ProjectionReply;
  try {
    reply = { files: await run(request) };
  } catch (error) {
    reply = { failure: (error as Error).message };
  }
  parentPort!.postMessage(reply);
});

async function run({ kind, inputs }: ProjectionRequest): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const input of inputs) {
    if (kind === 'stage') files.push(...(await project(input)).files);
    else if (kind === 'products') await multiply(input);
    else files.push(write(input));
  }
  return files;
}

/** Multiplies as the stage does, by the same session and in its shapes, numbers that are in memory. */
async function multiply({ source, rows, eigenvectors, backend }: ProjectInput): Promise<void> {
  const d = source.columns;
  if (gamma.length === 0) {
    gamma = randomFloat32(STRIP_ROWS * d, 1);
    projections = new Float32Array(STRIP_ROWS * d);
  }
  await withProjector(eigenvectors, { backend, threads: 1 }, async (product) => {
    for (const { count } of splitRows(rows.count, STRIP_ROWS)) {
      const matrix = (values: Float32Array) => ({
        values: values.subarray(0, count * d),
        rows: count,
        columns: d,
      });
      await product.multiply(matrix(gamma), matrix(projections));
    }
  });
}

/** Writes a file of the size of the partition's values, from memory, as the stage does. */
function write({ rows, source, directory, lock, parquet, durable }: ProjectInput): WrittenFile {
  const bytes = rows.count * source.columns * 4;
  if (image.length < bytes) image = new KernelMemory('').allot({ image: bytes }).image.bytes.fill(1);
  const file = createPartialFile(path.join(directory, parquet!), { lock });
  writeQuicker(file, image.subarray(0, bytes));
  file.commit({ durable });
  return { path: parquet!, bytes, crc32: 0 };
}
