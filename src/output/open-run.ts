import path from 'node:path';
import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { RowRange } from '../plan/row-ranges.js';
import { readEigenbasis } from './eigenbasis-file.js';
import { type Manifest, readManifest, TABLE_NAMES, type TableName } from './manifest.js';
import { openTable } from './open-table.js';
import { readProjections } from './read-projections.js';

/**
 * A finished run, whose files are read when they are asked for; no file stays open, and nothing is kept in memory.
 * V = `manifest.model.rows`, d = `manifest.model.hidden`.
 */
export interface OpenRun {
  /** The output directory, absolute. */
  readonly directory: string;
  /** What the run recorded of itself: inputs, figures, checks, files. */
  readonly manifest: Manifest;
  /**
   * Reads eigenvalues, float64 [d] ascending, and eigenvectors, float32 [d, d] row-major, whose columns belong to them.
   * @throws EigenshardError of the kind 'input' where the file is missing or damaged
   */
  basis(): Promise<StoredEigenbasis>;
  /**
   * Opens a table, whose columns are then read one by one. Which it has, docs/tables.md says.
   * @param name 'tokens', 'eigenvectors', 'extremes' or 'histograms'
   * @throws RangeError where there is no table of that name
   * @throws EigenshardError of the kind 'input' where the run was made without tables, or the table is missing or damaged
   */
  table(name: TableName): Promise<ParquetColumns>;
  /**
   * Reads p = gamma V of the tokens [first, first + count), float32 [count, d] row-major: entry (i, j) of them is
   * projection j of token first + i. Better many tokens at a time: of a Parquet partition every column is read apart,
   * an Arrow partition as a whole.
   * @param rows with `first` from 0 and `first + count` at most V
   * @throws RangeError where there are no such rows
   * @throws EigenshardError of the kind 'input' where a partition is missing or cut off
   */
  projections(rows: RowRange): Promise<Float32Array>;
}

/**
 * Opens a finished run; only its manifest is read.
 * @param directory output directory of the run
 * @returns the manifest, and functions that read basis, tables and projections
 * @throws EigenshardError of the kind 'input' where it holds no finished run, or one of another version
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
      if (!Object.hasOwn(TABLE_NAMES, name)) {
        const known = Object.keys(TABLE_NAMES).join(', ');
        throw new RangeError(`openRun: there is no table ${JSON.stringify(name)}; there are ${known}`);
      }
      const { tables } = manifest;
      if (tables !== null) return openTable({ directory: place, tables }, name);
      throw new InputError(`${directory}: has no tables (--tables none). Make the run again with them`);
    },
    projections: (rows) => readProjections(place, manifest, rows),
  };
}
