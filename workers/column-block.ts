/**
 * Block of projections in kernel memory, by columns: p_ij of row firstRow + i and column firstColumn + j lies at
 * offset + j * columnStride + 4 i, float32.
 */
export interface ColumnBlock {
  /** First row, within the partition. */
  firstRow: number;
  rows: number;
  firstColumn: number;
  columns: number;
  /** Pointer to the first value. */
  offset: number;
  /** Bytes from a column to the next. */
  columnStride: number;
}
