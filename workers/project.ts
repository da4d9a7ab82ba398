import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { ProjectInput, Tasks } from '../src/executor/tasks.js';
import type { WrittenFile } from '../src/files/file-record.js';
import { createPartialFile, type PartialFile } from '../src/files/partial-file.js';
import { type ParquetLayout, planParquet, writeParquetFrame } from '../src/formats/parquet.js';
import type { FixedMultiplication } from '../src/linalg/backend/backend.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { createdBy } from '../src/version.js';
import { kernels, memory } from './context.js';
import { withProjector } from './projector.js';
import { writeQuicker } from './quicker-write.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * Projects rows on the eigenvectors, p = gamma V in float32, and writes them: one Parquet and/or Arrow partition,
 * which appear whole or not at all.
 *
 * Memory beyond the eigenvectors: one strip of rows, stored, decoded and projected, and the partition's files; where
 * another thread multiplies, the projections of two strips and their copies on the way.
 */
export async function project(input: ProjectInput): Promise<Tasks['project']['result']> {
  const { source, rows, metadata, parquet, arrow, eigenvectors } = input;
  const d = source.columns;
  const shape = { firstRow: rows.first, rowCount: rows.count, columns: d, metadata };
  const layout = parquet === null ? null : planParquet({ ...shape, createdBy });
  const regions = await withProjector(eigenvectors, input, async (product) => {
    const allotted = allotRegions(input, layout, product.isAside ? 2 : 1);
    await projectRows(product, input, layout, allotted);
    return allotted;
  });
  const { projections, image } = regions;
  const files: WrittenFile[] = [];
  let isUncached = false;
  if (layout !== null) {
    writeParquetFrame(layout, image.bytes);
    const { bytes } = image;
    const write = (file: PartialFile) => {
      isUncached = writeQuicker(file, bytes);
      return { bytes: bytes.length, crc32: crc32(bytes) };
    };
    files.push(await writePartition(input, parquet!, write));
  }
  if (arrow !== null) {
    // Loaded only where it is needed: apache-arrow takes 90 ms and 20 MB of every thread.
    const { encodeArrowRows } = await import('../src/formats/arrow.js');
    const values = projections.float32.subarray(0, rows.count * d);
    const chunks = encodeArrowRows({ ...shape, rows: values });
    files.push(await writePartition(input, arrow, (file) => writeChunks(file, chunks)));
  }
  return { files, isUncached };
}

type Regions = ReturnType<typeof allotRegions>;

/** What a file holds. */
type Written = Omit<WrittenFile, 'path'>;

/**
 * Regions of a strip, of the projections of so many strips (of all rows, where Arrow is to have them row by row), and of
 * the Parquet file.
 */
function allotRegions({ source, rows, arrow }: ProjectInput, layout: ParquetLayout | null, strips: number) {
  const strip = Math.min(STRIP_ROWS, rows.count);
  const rowBytes = source.columns * 4;
  const { raw, gamma } = stripSizes(source, rows);
  // Every product has room for one row more than it needs: see `multiplyStrip`.
  return memory.allot({
    raw,
    gamma: gamma + rowBytes,
    projections: ((arrow === null ? strips * strip : rows.count) + 1) * rowBytes,
    image: layout?.bytes ?? 0,
  });
}

/**
 * Projects all rows, strip by strip, into the image of the Parquet file. Where another thread multiplies, the next strip is
 * read, and the one before written, meanwhile.
 */
async function projectRows(
  product: FixedMultiplication,
  { source, rows, arrow }: ProjectInput,
  layout: ParquetLayout | null,
  regions: Regions,
): Promise<void> {
  const { projections, image } = regions;
  const d = source.columns;
  let underWay: Promise<void> = Promise.resolve();
  const products: Promise<void>[] = [];
  try {
    await forEachStrip(source, rows, regions, async ({ first, count }) => {
      const done = first - rows.first;
      const isOdd = Math.floor(done / STRIP_ROWS) % 2 === 1;
      const slot = product.isAside && isOdd ? STRIP_ROWS * d : 0;
      const start = arrow === null ? slot : done * d;
      const before = underWay;
      const multiplied = multiplyStrip(product, regions, { count, d, start });
      products.push(multiplied);
      underWay = Promise.all([before, multiplied]).then(() => {
        if (layout !== null) {
          const target = image.offset + layout.firstDataOffset + done * 4;
          kernels.transposeRows(projections.offset + start * 4, count, d, target, layout.columnStride);
        }
        rowsReport.advance(count);
      });
      await (product.isAside ? before : underWay);
    });
  } finally {
    // What is under way writes to memory that the next task uses.
    await Promise.allSettled([underWay, ...products]);
  }
  await underWay;
}

/** Multiplies a strip of `count` rows; the projections begin at value `start` of their region. */
async function multiplyStrip(
  product: FixedMultiplication,
  { gamma, projections }: Regions,
  { count, d, start }: { count: number; d: number; start: number },
): Promise<void> {
  // A single row would be multiplied with another order of summation: it takes a row of zeros with it.
  const rows = Math.max(count, 2);
  if (rows > count) gamma.float32.fill(0, count * d, rows * d);
  const values = (region: Float32Array, from: number) => ({
    values: region.subarray(from, from + rows * d),
    rows,
    columns: d,
  });
  await product.multiply(values(gamma.float32, 0), values(projections.float32, start));
}

/** Writes one file of the partition, which appears under its name when it is complete. */
async function writePartition(
  { directory, lock, durable }: Tasks['project']['input'],
  relativePath: string,
  write: (file: PartialFile) => Written | Promise<Written>,
): Promise<WrittenFile> {
  const file = createPartialFile(path.join(directory, relativePath), { lock });
  try {
    const written = await write(file);
    file.commit({ durable });
    return { path: relativePath, ...written };
  } catch (error) {
    file.discard();
    throw error;
  }
}

async function writeChunks(file: PartialFile, chunks: AsyncIterable<Uint8Array>): Promise<Written> {
  let bytes = 0;
  let crc = 0;
  for await (const chunk of chunks) {
    crc = crc32(chunk, crc);
    file.write(chunk);
    bytes += chunk.length;
  }
  return { bytes, crc32: crc };
}
