import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Tasks } from '../src/executor/tasks.js';
import type { WrittenFile } from '../src/files/file-record.js';
import { refuseLost } from '../src/files/lock.js';
import { createPartialFile, writeFully } from '../src/files/partial-file.js';
import { planParquet, writeParquetFrame } from '../src/formats/parquet.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { createdBy } from '../src/version.js';
import { kernels, memory } from './context.js';
import { projectorOf } from './projector.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * Projects rows on the eigenvectors, p = gamma V in float32, and writes them: one Parquet and/or Arrow partition,
 * which appear whole or not at all, and their stretch of every row-major export.
 *
 * Memory beyond the eigenvectors: one strip of rows, stored, decoded and projected, and the partition's files.
 */
export async function project(input: Tasks['project']['input']): Promise<Tasks['project']['result']> {
  const { source, rows, metadata } = input;
  const d = source.columns;
  const shape = { firstRow: rows.first, rowCount: rows.count, columns: d, metadata };
  const layout = input.parquet === null ? null : planParquet({ ...shape, createdBy });
  const strip = Math.min(STRIP_ROWS, rows.count);
  const { raw, gamma } = stripSizes(source, rows);
  const rowBytes = d * 4;
  // Every product has room for one row more than it needs: see `multiplied`.
  const regions = memory.allot({
    raw,
    gamma: gamma + rowBytes,
    projections: ((input.arrow === null ? strip : rows.count) + 1) * rowBytes,
    image: layout?.bytes ?? 0,
  });
  const { projections, image } = regions;
  const product = await projectorOf(input.eigenvectors, input.backend);
  const slices = input.slices.map((slice) => ({ ...slice, descriptor: openSync(slice.file, 'r+') }));
  let crc = 0;

  try {
    await forEachStrip(source, rows, regions, async ({ first, count }) => {
      const done = first - rows.first;
      const start = input.arrow === null ? 0 : done * d;
      // A single row would go to another kernel, with another summation order: it takes a row of zeros with it.
      const multiplied = Math.max(count, 2);
      if (multiplied > count) regions.gamma.float32.fill(0, count * d, multiplied * d);
      const values = (region: Float32Array, from: number) => ({
        values: region.subarray(from, from + multiplied * d),
        rows: multiplied,
        columns: d,
      });
      await product.multiply(values(regions.gamma.float32, 0), values(projections.float32, start));

      const bytes = projections.bytes.subarray(start * 4, start * 4 + count * rowBytes);
      if (slices.length > 0) {
        // A run that has taken the directory over writes the same bytes there, or has removed the file that is open.
        if (input.lock !== null) refuseLost(input.lock);
        crc = crc32(bytes, crc);
      }
      for (const { descriptor, byteOffset, file } of slices) {
        writeFully(descriptor, bytes, byteOffset + done * rowBytes, file);
      }
      if (layout !== null) {
        const target = image.offset + layout.firstDataOffset + done * 4;
        kernels.transposeRows(projections.offset + start * 4, count, d, target, layout.columnStride);
      }
    });
  } finally {
    for (const { descriptor } of slices) closeSync(descriptor);
  }

  const files: WrittenFile[] = [];
  if (layout !== null) {
    writeParquetFrame(layout, image.bytes);
    files.push(await writePartition(input, input.parquet!, [image.bytes]));
  }
  if (input.arrow !== null) {
    // Loaded only where it is needed: apache-arrow takes 90 ms and 20 MB of every thread.
    const { encodeArrowRows } = await import('../src/formats/arrow.js');
    const values = projections.float32.subarray(0, rows.count * d);
    files.push(await writePartition(input, input.arrow, encodeArrowRows({ ...shape, rows: values })));
  }
  return { files, crc32: slices.length > 0 ? crc : null };
}

/** Writes one file of the partition and its checksum; it appears under its name when it is complete. */
async function writePartition(
  { directory, lock }: Tasks['project']['input'],
  relativePath: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  const file = createPartialFile(path.join(directory, relativePath), { lock });
  let bytes = 0;
  let crc = 0;
  try {
    for await (const chunk of chunks) {
      crc = crc32(chunk, crc);
      file.write(chunk);
      bytes += chunk.length;
    }
    // The coordinator waits for the disk once, while the partitions are verified.
    file.commit({ durable: false });
  } catch (error) {
    file.discard();
    throw error;
  }
  return { path: relativePath, bytes, crc32: crc };
}
