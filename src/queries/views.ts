import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { type Manifest, TABLE_NAMES, type TableName } from '../output/manifest.js';
import { formerColumns, withoutTables } from '../output/open-table.js';
import { runFile } from '../output/run-file.js';
import { placeOf } from '../output/staged-files.js';

/** What a view of `sql` shows. */
export type View = FilesView | BasisView | AbsentView;

/** The rows of Parquet files, all of the same columns. */
export interface FilesView {
  is: 'files';
  files: readonly ViewedFile[];
  /** Names that columns had in runs that were made earlier, by the name that they have now. */
  formerColumns: Readonly<Record<string, string>>;
}

/** A file of a view. */
export interface ViewedFile {
  /** Absolute. */
  path: string;
  /** Its length and SHA-256, where the run recorded them. */
  record: Pick<FileRecord, 'bytes' | 'sha256'> | null;
  /** What to do where it is damaged, unless it is a file of a run. */
  advice?: string;
}

/** The eigenvectors, which are read only where a query names them. */
export interface BasisView {
  is: 'basis';
  hidden: number;
  /** Reads V, float32 [d, d] row-major, whose columns are the eigenvectors. */
  read: () => Promise<Float32Array>;
}

/** A view that is not to be had. */
export interface AbsentView {
  is: 'absent';
  reason: string;
}

/** Views by name. */
export type Views = Readonly<Record<string, View>>;

/** Lists the views of a finished run: `projections`, one of each table, and `basis`. Only existence is looked at. */
export function viewsOfRun(directory: string, manifest: Manifest): Views {
  const { hidden } = manifest.model;
  const tables = Object.keys(TABLE_NAMES).map((table) => [
    table,
    viewOfTable(directory, manifest, table as TableName),
  ]);
  return {
    projections: viewOfProjections(directory, manifest),
    ...Object.fromEntries(tables),
    neighbours: viewOfNeighbours(directory, manifest),
    basis: {
      is: 'basis',
      hidden,
      read: async () => {
        await refuseDamagedBasis(directory, manifest);
        return (await readEigenbasis(directory, hidden, manifest.eigenbasis)).eigenvectors;
      },
    },
  };
}

/**
 * The names of the views that a query may be about: it holds their words. DuckDB's own list of a query's tables lacks
 * those of some, such as joins with USING.
 */
export function mentionedViews(sql: string, known: ReadonlyMap<string, View>): string[] {
  const words = new Set(sql.toLowerCase().match(/\w+/g));
  return [...known.keys()].filter((name) =>
    name
      .toLowerCase()
      .split('.')
      .every((word) => words.has(word)),
  );
}

function viewOfTable(directory: string, { tables }: Manifest, table: TableName): View {
  const name = TABLE_NAMES[table];
  const record = tables?.files.find(({ path: recorded }) => recorded === name);
  const file = record === undefined ? path.resolve(directory, name) : placeOf(directory, record);
  if (!existsSync(file)) {
    const reason = tables === null ? withoutTables(directory).message : missingFile(file);
    return { is: 'absent', reason };
  }
  return { is: 'files', files: [viewed(file, record)], formerColumns: formerColumns(table) };
}

function viewOfNeighbours(directory: string, { neighbours }: Manifest): View {
  if (neighbours === null)
    return {
      is: 'absent',
      reason: `${directory}: has no neighbours; \`eigenshard neighbours ${directory}\` finds them`,
    };
  const { file: record } = neighbours;
  const file = placeOf(directory, record);
  if (!existsSync(file)) return { is: 'absent', reason: missingFile(file) };
  return { is: 'files', files: [viewed(file, record)], formerColumns: {} };
}

function viewOfProjections(directory: string, { partitions }: Manifest): View {
  const files = partitions
    .flatMap((partition) => partition.files)
    .filter(({ path: name }) => name.endsWith('.parquet'))
    .map((record) => viewed(runFile(directory, record.path), record));
  if (files.length === 0)
    return {
      is: 'absent',
      reason: 'this run has no Parquet partitions (--format arrow); a run with --format both has them',
    };
  const missing = files.find(({ path: file }) => !existsSync(file));
  if (missing !== undefined) return { is: 'absent', reason: missingFile(missing.path) };
  return { is: 'files', files, formerColumns: {} };
}

function missingFile(file: string): string {
  return `${file} is missing. The run's own command with --resume makes it again`;
}

function viewed(file: string, record: ViewedFile['record'] | undefined): ViewedFile {
  return { path: file, record: record ?? null };
}
