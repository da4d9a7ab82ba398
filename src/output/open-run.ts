import path from 'node:path';
import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { RowRange } from '../plan/row-ranges.js';
import { unknownName } from '../text/nearest.js';
import { readEigenbasis, refuseDamagedBasis } from './eigenbasis-file.js';
import { type Manifest, readManifest, TABLE_NAMES, type TableName } from './manifest.js';
import { openTable, withoutTables } from './open-table.js';
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
      await refuseDamagedBasis(place, manifest);
      const { reference: _, ...basis } = await readEigenbasis(
        place,
        manifest.model.hidden,
        manifest.eigenbasis,
      );
      return basis;
    },
    table: async (name) => {
      const known = Object.keys(TABLE_NAMES);
      if (!known.includes(name)) throw new RangeError(`table: there is no table ${unknownName(name, known)}`);
      const { tables } = manifest;
      if (tables === null) throw withoutTables(directory);
      return withKnownColumns(await openTable({ directory: place, tables }, name), name);
    },
    projections: (rows) => readProjections(place, manifest, rows),
  };
}

/** Refuses a column that the table has not by naming those that it has. */
function withKnownColumns(table: ParquetColumns, name: TableName): ParquetColumns {
  const check = (column: unknown) => {
    if (table.names.some((known) => known === column)) return;
    throw new InputError(`${TABLE_NAMES[name]}: there is no column ${unknownName(column, table.names)}`);
  };
  return {
    ...table,
    values: async (column, range) => {
      check(column);
      return table.values(column, range);
    },
    numbers: async (column, range) => {
      check(column);
      return table.numbers(column, range);
    },
  };
}
