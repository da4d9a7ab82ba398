import { InputError } from '../errors.js';
import { readBytes, withFile, withFileSync } from '../files/open-file.js';
import { readFully } from '../files/read-fully.js';
import { planParquet } from '../formats/parquet.js';
import type { RowRange } from '../plan/row-ranges.js';
import { shownValue } from '../text/shown-value.js';
import { fileMetadata } from './file-metadata.js';
import type { Manifest } from './manifest.js';
import { refuseDamaged, refuseOtherSize } from './refuse-damaged.js';
import { runFile } from './run-file.js';

/** A partition, and the metadata that its files carry. */
type RecordedPartition = Manifest['partitions'][number] & { metadata: Record<string, string> };

/** What a run says of its projections. */
export type RecordedProjections = Pick<Manifest, 'partitions' | 'model' | 'fingerprint' | 'layout'>;

/**
 * Reads projections of a run, whichever of its partitions they lie in.
 * @param rows tokens [first, first + count)
 * @returns p = gamma V, float32 [count, d] row-major, d = `manifest.model.hidden`
 * @throws RangeError where the run has no such rows; InputError where a partition is missing or cut off
 */
export async function readProjections(
  directory: string,
  run: RecordedProjections,
  range: RowRange,
): Promise<Float32Array> {
  const { partitions, model } = run;
  const { first, count } = checkedRange(range, model.rows);
  const metadata = fileMetadata(run.fingerprint, run.layout, model.name);
  const d = model.hidden;
  const out = new Float32Array(count * d);
  for (const partition of partitions) {
    const from = Math.max(first, partition.first);
    const to = Math.min(first + count, partition.first + partition.count);
    if (from >= to) continue;
    const part = out.subarray((from - first) * d, (to - first) * d);
    const within = { first: from - partition.first, count: to - from };
    await readPart(directory, { ...partition, metadata }, within, part);
  }
  return out;
}

/** @throws RangeError for anything but rows of the run, of which there are `rows` */
function checkedRange(range: RowRange, rows: number): RowRange {
  // Callers without types may hand over anything.
  const { first, count } = (range ?? {}) as Partial<RowRange>;
  const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (isIndex(first) && isIndex(count) && first + count <= rows) return { first, count };
  throw new RangeError(
    `projections: expected { first, count }, whole numbers from 0 with first + count at most ${rows}, the rows of the ` +
      `run; came ${shownValue(range)}`,
  );
}

/** @param rows within the partition; @param out float32 [count, d] row-major */
async function readPart(
  directory: string,
  partition: RecordedPartition,
  rows: RowRange,
  out: Float32Array,
): Promise<void> {
  const [arrow, parquet] = ['.arrow', '.parquet'].map((ending) =>
    partition.files.find((file) => file.path.endsWith(ending)),
  );
  if (arrow !== undefined) {
    const file = runFile(directory, arrow.path);
    await refuseDamaged(file, arrow);
    await readArrowRows(file, partition, rows, out);
  } else if (parquet !== undefined) {
    const file = runFile(directory, parquet.path);
    // Not by its checksum: a part of it is read alone.
    refuseOtherSize(file, parquet.bytes);
    readParquetRows(file, partition.count, rows, out);
  } else {
    throw new InputError(`${directory}: its manifest names no file of the rows from ${partition.first} on`);
  }
}

/** Reads a stretch of every column: at once, since to wait for each of thousands of short reads takes longer than they do. */
function readParquetRows(
  file: string,
  rowCount: number,
  { first, count }: RowRange,
  out: Float32Array,
): void {
  const columns = out.length / count;
  // Where the values lie does not depend on what the file says of itself.
  const layout = planParquet({ firstRow: 0, rowCount, columns, metadata: {}, createdBy: '' });
  const column = new Float32Array(count);
  withFileSync(file, 'the partition', (descriptor) => {
    for (let j = 0; j < columns; j++) {
      const at = layout.firstDataOffset + j * layout.columnStride + first * 4;
      readFully(descriptor, new Uint8Array(column.buffer), at, file);
      for (let i = 0; i < count; i++) out[i * columns + j] = column[i]!;
    }
  });
}

async function readArrowRows(
  file: string,
  { first: firstRow, count: rowCount, metadata }: RecordedPartition,
  { first, count }: RowRange,
  out: Float32Array,
): Promise<void> {
  const columns = out.length / count;
  // Loaded only where it is needed: apache-arrow takes 90 ms.
  const { planArrow } = await import('../formats/arrow.js');
  const { head } = await planArrow({ firstRow, rowCount, columns, metadata });
  const at = head.length + first * columns * 4;
  const bytes = await withFile(file, 'the partition', (opened) => readBytes(opened, at, out.byteLength));
  out.set(new Float32Array(bytes.buffer));
}
