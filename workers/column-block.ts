/**
 * A block of projections in kernel memory, by columns: p_ij of row firstRow + i (within the partition) and
 * column firstColumn + j lies at offset + j * columnStride + 4 i, float32.
 */
export interface ColumnBlock {
  firstRow: number;
  rows: number;
  firstColumn: number;
  columns: number;
  offset: number;
  /** Bytes. */
  columnStride: number;
}
