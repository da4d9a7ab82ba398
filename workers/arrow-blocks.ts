import { closeSync, fstatSync } from 'node:fs';
import path from 'node:path';
import { type FixedSizeList, type Int32, tableFromIPC } from 'apache-arrow';
import type { PartitionInput } from '../src/executor/tasks.js';
import type { ExpectedFile } from '../src/files/file-record.js';
import { readFully } from '../src/files/read-fully.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import type { ColumnBlock } from './column-block.js';
import { kernels } from './context.js';
import { FileDigest, type Findings, openOrReport } from './file-digest.js';

/**
 * Reads an Arrow partition with apache-arrow and yields its projections, strip by strip. What is wrong with the
 * file is added to `findings`; a file that cannot be read as planned yields nothing. All rows are in `block` in the
 * end; `strip` has room for some.
 */
export function* arrowBlocks(
  { hidden: d, rows, directory }: PartitionInput,
  record: ExpectedFile,
  { block, strip }: { block: Region; strip: Region },
  findings: Findings,
): Generator<ColumnBlock> {
  const file = path.join(directory, record.path);
  const descriptor = openOrReport(file, record, findings);
  const bytes = descriptor === null ? null : readWhole(descriptor, file, record, findings);
  if (bytes === null) return;
  const digest = new FileDigest();
  digest.update(bytes);
  digest.finish(record, findings);
  const columns = readColumns(bytes, rows.count);
  if (columns === null || columns.ids.length < rows.count || columns.values.length < rows.count * d) {
    findings.problems.push(`${record.path}: does not hold ${rows.count} rows of ${d} projections`);
    return;
  }
  if (!columns.ids.subarray(0, rows.count).every((id, i) => id === rows.first + i)) {
    findings.problems.push(
      `${record.path}: token ids are not ${rows.first} to ${rows.first + rows.count - 1} in order`,
    );
  }
  const columnStride = rows.count * 4;
  for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
    const offset = block.offset + first * 4;
    strip.float32.set(columns.values.subarray(first * d, (first + count) * d));
    kernels.transposeRows(strip.offset, count, d, offset, columnStride);
    yield {
      firstRow: first,
      rows: count,
      firstColumn: 0,
      columns: d,
      offset,
      columnStride,
    };
  }
}

/** Reads a partition of the recorded length as a whole; null where it has another one, which is reported. */
function readWhole(
  descriptor: number,
  file: string,
  { path: name, bytes }: ExpectedFile,
  findings: Findings,
): Uint8Array | null {
  try {
    const { size } = fstatSync(descriptor);
    if (size !== bytes) {
      findings.problems.push(`${name}: has ${size} bytes, not ${bytes}`);
      return null;
    }
    const whole = new Uint8Array(size);
    readFully(descriptor, whole, 0, file);
    return whole;
  } finally {
    closeSync(descriptor);
  }
}

/** Token ids and row-major values of a partition; either may be longer, because buffers are padded to 8 bytes. */
function readColumns(bytes: Uint8Array, rows: number): { ids: Int32Array; values: Float32Array } | null {
  try {
    const table = tableFromIPC<{ token_id: Int32; projection: FixedSizeList }>(bytes);
    if (table.numRows !== rows || table.batches.length !== 1) return null;
    const ids = table.getChild('token_id')?.data[0]?.values;
    const values = table.getChild('projection')?.data[0]?.children[0]?.values;
    return ids instanceof Int32Array && values instanceof Float32Array ? { ids, values } : null;
  } catch {
    // Whatever apache-arrow stumbles over: the file is not the partition, which is what the caller reports.
    return null;
  }
}
