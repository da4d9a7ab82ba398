import { closeSync, fstatSync } from 'node:fs';
import path from 'node:path';
import type { PartitionInput } from '../src/executor/tasks.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { readFully } from '../src/files/read-fully.js';
import { type ParquetLayout, parquetHead } from '../src/formats/parquet.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { splitRows } from '../src/plan/row-ranges.js';
import type { ColumnBlock } from './column-block.js';
import { FileDigest, type Findings, openOrReport } from './file-digest.js';

/** Columns read at a time: their bytes stay in the cache between hashing and folding. */
const BLOCK_COLUMNS = 32;

/** Bytes of the region that `parquetBlocks` fills: all columns of projections. */
export function parquetBlockBytes({ columns, columnStride }: ParquetLayout): number {
  return columns * columnStride;
}

/**
 * Reads a Parquet partition from its first byte to its last, and yields its projections. Everything that is not a
 * projection (page headers, token ids, footer) must be, byte for byte, what the plan says. All columns are in `block`
 * in the end. What is wrong with the file is added to `findings`; one that is missing or of the wrong length yields
 * nothing.
 */
export function* parquetBlocks(
  { directory }: Pick<PartitionInput, 'directory'>,
  record: ExpectedFile,
  { layout, block }: { layout: ParquetLayout; block: Region },
  findings: Findings,
): Generator<ColumnBlock> {
  const file = path.join(directory, record.path);
  const descriptor = openOrReport(file, record, findings);
  if (descriptor === null) return;
  try {
    const { size } = fstatSync(descriptor);
    if (size !== layout.bytes) {
      findings.problems.push(`${record.path}: ${size} bytes, where ${layout.bytes} were planned`);
      return;
    }
    const digest = new FileDigest();
    const read = (bytes: Uint8Array, position: number) => {
      readFully(descriptor, bytes, position, file);
      digest.update(bytes);
      return bytes;
    };
    const report = (what: string) => {
      findings.problems.push(`${record.path}: the ${what} is not as planned`);
    };
    yield* readBlocks(layout, block, read, report);
    digest.finish(record, findings);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads all bytes of a partition in order, and reports each part around the projections that is not as planned. */
function* readBlocks(
  layout: ParquetLayout,
  block: Region,
  read: (bytes: Uint8Array, position: number) => Uint8Array,
  report: (what: string) => void,
): Generator<ColumnBlock> {
  const compare = (actual: Uint8Array, planned: Uint8Array, what: string) => {
    if (Buffer.compare(actual, planned) !== 0) report(what);
  };
  const head = parquetHead(layout);
  compare(read(new Uint8Array(head.length), 0), head, 'column of token ids');
  const { columnHeader, columnStride, footer, footerOffset } = layout;
  for (const { first, count } of splitRows(layout.columns, BLOCK_COLUMNS)) {
    const start = first * columnStride;
    const stored = read(block.bytes.subarray(start, start + count * columnStride), head.length + start);
    for (let j = 0; j < count; j++) {
      const header = stored.subarray(j * columnStride, j * columnStride + columnHeader.length);
      compare(header, columnHeader, `page header of column ${first + j}`);
    }
    yield {
      firstRow: 0,
      rows: layout.rowCount,
      firstColumn: first,
      columns: count,
      offset: block.offset + start + columnHeader.length,
      columnStride,
    };
  }
  compare(read(new Uint8Array(footer.length), footerOffset), footer, 'footer');
}
