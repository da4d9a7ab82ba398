import type { FileRecord } from '../files/file-record.js';

/** What a manifest says of the sizes of a run. */
interface Sizes {
  /** V and d. */
  model: { rows: number; hidden: number };
  partitions: readonly { first: number; count: number; files: readonly Pick<FileRecord, 'bytes'>[] }[];
  eigenbasis: Pick<FileRecord, 'bytes'>;
}

/**
 * Says what in a manifest cannot be, though each of its values may: readers count on partitions that hold all rows in
 * order, and on files that have room for what they are said to hold.
 *
 * @returns null where everything fits
 */
export function contradictionIn({ model, partitions, eigenbasis }: Sizes): string | null {
  const rowBytes = model.hidden * 4;
  let rows = 0;
  for (const [index, { first, count, files }] of partitions.entries()) {
    if (first !== rows) return `partition ${index} begins at row ${first}, not ${rows}`;
    if (files.length === 0) return `partition ${index} has no file`;
    const short = files.find(({ bytes }) => bytes < count * rowBytes);
    if (short !== undefined) {
      return `partition ${index} has ${short.bytes} bytes for ${count} x ${model.hidden} projections`;
    }
    rows += count;
  }
  if (rows !== model.rows) return `its partitions hold ${rows} of ${model.rows} rows`;
  if (eigenbasis.bytes < model.hidden * rowBytes) {
    return `its eigenbasis has ${eigenbasis.bytes} bytes for ${model.hidden} eigenvectors`;
  }
  return null;
}
