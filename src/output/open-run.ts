import path from 'node:path';
import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { RowRange } from '../plan/row-ranges.js';
import { readEigenbasis } from './eigenbasis-file.js';
import { type Manifest, readManifest, type TableName } from './manifest.js';
import { openTable } from './open-table.js';
import { readProjections } from './read-projections.js';

/** A finished run, whose files are read when they are asked for; no file stays open. V = rows, d = hidden size. */
export interface OpenRun {
  /** Absolute. */
  readonly directory: string;
  readonly manifest: Manifest;
  /**
   * Reads eigenvalues, float64 [d] ascending, and eigenvectors, float32 [d, d] row-major, whose columns belong to them.
   * @throws InputError where the file is missing or damaged
   */
  basis(): Promise<StoredEigenbasis>;
  /**
   * Opens a table, whose columns are then read one by one.
   * @throws InputError where the run was made without tables, or the table is missing or damaged
   */
  table(name: TableName): Promise<ParquetColumns>;
  /**
   * Reads p = gamma V of the tokens [first, first + count), float32 [count, d] row-major.
   * @throws RangeError where there are no such rows; InputError where a partition is missing or cut off
   */
  projections(rows: RowRange): Promise<Float32Array>;
}

/**
 * Opens a finished run; only its manifest is read.
 * @param directory output directory of the run
 * @throws InputError where it holds no finished run, or one of another version
 */
export async function openRun(directory: string): Promise<OpenRun> {
  const manifest = readManifest(directory);
  const place = path.resolve(directory);
  return {
    directory: place,
    manifest,
    basis: async () => {
      const { reference: _, ...basis } = await readEigenbasis(
        place,
        manifest.model.hidden,
        manifest.eigenbasis,
      );
      return basis;
    },
    table: async (name) => {
      if (manifest.tables !== null) return openTable(place, name);
      throw new InputError(`${directory}: has no tables (--tables none). Make the run again with them`);
    },
    projections: (rows) => readProjections(place, manifest, rows),
  };
}
