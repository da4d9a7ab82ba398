import { createHash } from 'node:crypto';
import path from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { FileRecord } from '../files/file-record.js';
import { createPartialFile } from '../files/partial-file.js';
import { createdBy } from '../version.js';

/** One column of a table, as the Parquet writer takes it. Only a nullable column may hold null. */
export interface TableColumn {
  name: string;
  type: 'INT32' | 'DOUBLE' | 'BOOLEAN' | 'STRING';
  nullable: boolean;
  data: Int32Array | Float64Array | (number | string | boolean | null)[] | (number[] | null)[];
  /** Whether a value is a list of numbers of the type, none of which is null. */
  isList?: true;
  /** How the values are stored: as they are, or as numbers in a list of the different ones. */
  encoding: 'PLAIN' | 'RLE_DICTIONARY';
  /** Whether row groups carry their extremes, by which engines skip them: for what the table is sorted by. */
  statistics: boolean;
}

const plain = { nullable: false, encoding: 'PLAIN', statistics: false } as const;

/** Whole numbers. */
export function int32(name: string, data: Int32Array): TableColumn {
  return { ...plain, name, type: 'INT32', data };
}

/** Whole numbers that rise from row to row. */
export function sorted(name: string, data: Int32Array): TableColumn {
  return { ...int32(name, data), statistics: true };
}

/** Numbers that are always there. */
export function double(name: string, data: Float64Array): TableColumn {
  return { ...plain, name, type: 'DOUBLE', data };
}

/** Numbers that may be undefined, which NaN marks in `data` and null in the table. */
export function nullableDouble(name: string, data: Float64Array): TableColumn {
  const column = { ...double(name, data), nullable: true };
  if (!data.some(Number.isNaN)) return column;
  return { ...column, data: Array.from(data, (value) => (Number.isNaN(value) ? null : value)) };
}

/** Whole numbers that may be missing, which -1 marks in `data` and null in the table. */
export function nullableInt32(name: string, data: Int32Array): TableColumn {
  const values = Array.from(data, (value) => (value < 0 ? null : value));
  return { ...plain, name, type: 'INT32', nullable: true, data: values };
}

export function nullableBoolean(name: string, data: (boolean | null)[]): TableColumn {
  return { ...plain, name, type: 'BOOLEAN', nullable: true, data };
}

export function text(name: string, data: string[]): TableColumn {
  return { ...plain, name, type: 'STRING', data };
}

export function nullableText(name: string, data: (string | null)[]): TableColumn {
  return { ...plain, name, type: 'STRING', nullable: true, data };
}

/** Lists of whole numbers, some of which may be missing. */
export function listOfInt32(name: string, data: (number[] | null)[]): TableColumn {
  return { ...plain, name, type: 'INT32', nullable: true, isList: true, data };
}

/** Lists of numbers, some of which may be missing. */
export function listOfDoubles(name: string, data: (number[] | null)[]): TableColumn {
  return { ...plain, name, type: 'DOUBLE', nullable: true, isList: true, data };
}

/** A column of few different values, or of many that are alike from row to row. */
export function repetitive(column: TableColumn): TableColumn {
  return { ...column, encoding: 'RLE_DICTIONARY' };
}

/** Engines skip whole groups by their statistics; one group is in memory at a time. */
const ROW_GROUP_ROWS = 65_536;

/**
 * Writes a table as Parquet, uncompressed, atomically, and records it. It is on the disk after `syncFiles`.
 * @param metadata key-value metadata of the file
 */
export function writeTable(
  directory: string,
  name: string,
  columns: readonly TableColumn[],
  metadata: Readonly<Record<string, string>>,
): FileRecord {
  const table = createTable(directory, name, metadata);
  try {
    table.write(columns);
    return table.commit();
  } finally {
    table.discard();
  }
}

/** A table in the making. */
export interface GrowingTable {
  /** Appends rows; the columns are those of the first call. No row group goes on from one call to the next. */
  write(columns: readonly TableColumn[]): void;
  /** Makes the file appear. It is on the disk after `syncFiles`. */
  commit(): FileRecord;
  /** Removes what was written; does nothing after `commit`, so it fits a `finally`. */
  discard(): void;
}

/**
 * Begins a table as Parquet, uncompressed, of which not all rows are in memory at once.
 * @param metadata key-value metadata of the file
 */
export function createTable(
  directory: string,
  name: string,
  metadata: Readonly<Record<string, string>>,
): GrowingTable {
  const file = createPartialFile(path.join(directory, name));
  const hash = createHash('sha256');
  const writer = new ByteWriter();
  /** Called after every row group, and at the end. */
  const flush = () => {
    const bytes = writer.getBytes();
    hash.update(bytes);
    file.write(bytes);
    writer.index = 0;
  };
  Object.assign(writer, { flush, finish: flush });
  let table: ParquetWriter | undefined;
  return {
    write(columns) {
      table ??= new ParquetWriter({
        writer,
        schema: [{ name: 'root', num_children: columns.length }, ...columns.flatMap(schemaOf)],
        codec: 'UNCOMPRESSED',
        kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
        createdBy,
      });
      table.write({
        columnData: columns.map(({ name: column, data, encoding, statistics }) => ({
          name: column,
          data: data as (number | string | boolean | null)[],
          encoding,
          statistics,
        })),
        rowGroupSize: ROW_GROUP_ROWS,
        // No limit: one page for a column of a row group.
        pageSize: 0,
      });
    },
    commit() {
      table?.finish();
      // The coordinator waits for the disk once, for all tables.
      file.commit({ durable: false });
      return { path: name, bytes: writer.offset, sha256: hash.digest('hex') };
    },
    discard: () => file.discard(),
  };
}

/** Elements of the schema that say what a column holds: one, or the three of a list. */
function schemaOf(column: TableColumn): SchemaElement[] {
  const { name, nullable, isList } = column;
  const repetition = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (isList === undefined) return [{ name, repetition_type: repetition, ...storedType(column) }];
  return [
    { name, repetition_type: repetition, converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', ...storedType(column) },
  ];
}

function storedType({ type }: TableColumn): Pick<SchemaElement, 'type' | 'converted_type'> {
  return type === 'STRING' ? { type: 'BYTE_ARRAY', converted_type: 'UTF8' } : { type };
}
