import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { EigenshardError, InputError } from '../errors.js';
import { withFileSync } from '../files/open-file.js';
import { asInputError } from '../files/read-error.js';
import { readFully } from '../files/read-fully.js';
import type { RowRange } from '../plan/row-ranges.js';
import { shownValue } from '../text/shown-value.js';
import { chunkSpan, footerProblem, pagesProblem } from './parquet-bounds.js';
import { compressors } from './parquet-compressors.js';
import { columnsOfSchema, isFlat } from './parquet-schema.js';

/** A leading U+FEFF is text, which hyparquet's own decoder drops as a byte order mark. */
const exact = new TextDecoder('utf-8', { ignoreBOM: true });

/** The values of a column, [rows] in the order of the file; null or undefined where the file has none. */
export type ParquetColumn = ArrayLike<unknown>;

/** Takes values [from, to) of a column, of which value k belongs at k + shift of what is asked for. */
type OnValues = (values: ArrayLike<unknown>, at: { from: number; to: number; shift: number }) => void;

/** A Parquet file whose columns are read one by one, whatever program has written it. */
export interface ParquetColumns {
  /** How many rows the file has. */
  rows: number;
  /** Names of the columns, in the order of the file; those of lists and of other groups are passed over. */
  names: readonly string[];
  /**
   * Reads a column of numbers as float64 [rows], null as NaN.
   * @param range some of the rows, [count] of which are read then; all where nothing is said
   * @throws EigenshardError of the kind 'input' where the column is absent or damaged, or holds something else
   */
  numbers(column: string, range?: RowRange): Promise<Float64Array>;
  /**
   * Reads a column of any type, [rows]: strings, booleans or numbers, null or undefined where there is no value.
   * @param range some of the rows, [count] of which are read then; all where nothing is said
   * @throws EigenshardError of the kind 'input' where the column is absent or damaged
   */
  values(column: string, range?: RowRange): Promise<ParquetColumn>;
}

/**
 * Opens a Parquet file; only its footer is read.
 *
 * @param role what the file is to the user, for messages
 * @param advice what to do about a damaged one
 * @throws InputError where it cannot be read
 */
export async function openParquetColumns(
  file: string,
  role: string,
  advice = 'Make the run again',
): Promise<ParquetColumns> {
  const attempt = async <Result>(action: () => Promise<Result>): Promise<Result> => {
    try {
      return await action();
    } catch (error) {
      const known = asInputError(error, file, role);
      if (known instanceof EigenshardError) throw known;
      throw new InputError(
        `${file}: cannot read ${role}: it is damaged (${(error as Error).message}). ${advice}`,
        {
          cause: error,
        },
      );
    }
  };
  const buffer = bufferOf(file, role);
  const metadata: FileMetaData = await attempt(() => parquetMetadataAsync(buffer));
  const refuse = (problem: string | null) => {
    if (problem !== null) throw new InputError(`${file}: cannot read ${role}: ${problem}. ${advice}`);
  };
  // A damaged footer may lack what it is read by.
  refuse(await attempt(async () => footerProblem(metadata, buffer.byteLength)));
  const flat = columnsOfSchema(metadata.schema).filter(isFlat);
  const names = flat.map(({ name }) => name);
  const rows = Number(metadata.num_rows);

  const checkedRange = (range: RowRange | undefined): RowRange => {
    if (range === undefined) return { first: 0, count: rows };
    const isIndex = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
    const { first, count } = range ?? {};
    if (isIndex(first) && isIndex(count) && first + count <= rows) return range;
    throw new RangeError(
      `${file}: expected { first, count } with first + count at most ${rows}, its rows; came ${shownValue(range)}`,
    );
  };

  const readColumn = async (column: string, range: RowRange, onValues: OnValues): Promise<void> => {
    const asked = flat.find(({ name }) => name === column);
    if (asked === undefined) throw new InputError(`${file}: has no column ${shownValue(column)}. ${advice}`);
    const isOptional = asked.elements[0]!.repetition_type === 'OPTIONAL';
    const end = range.first + range.count;
    let groupStart = 0;
    for (const { columns, num_rows: count } of metadata.row_groups) {
      const start = groupStart;
      groupStart += Number(count);
      // Groups of other rows are not read.
      if (start >= end || groupStart <= range.first) continue;
      const chunk = columns[asked.leaf]!.meta_data!;
      const { type, codec } = chunk;
      const span = chunkSpan(chunk);
      const bytes = await attempt(async () => buffer.slice(span.start, span.end));
      refuse(await attempt(async () => pagesProblem(bytes, Number(count), { type, isOptional, codec })));
    }
    let read = 0;
    if (range.count > 0)
      await attempt(() =>
        parquetRead({
          file: buffer,
          metadata,
          columns: [column],
          compressors,
          rowStart: range.first,
          rowEnd: end,
          parsers: { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && exact.decode(bytes) },
          onChunk: ({ columnData, rowStart }) => {
            // Whole groups come, also where some of their rows are asked for.
            const from = Math.max(0, range.first - rowStart);
            const to = Math.min(columnData.length, end - rowStart);
            read += Math.max(0, to - from);
            onValues(columnData, { from, to, shift: rowStart - range.first });
          },
        }),
      );
    refuse(
      read === range.count
        ? null
        : `its column ${shownValue(column)} has ${read} values, its footer says ${range.count}`,
    );
  };
  return {
    rows,
    names,
    values: async (column, asked) => {
      const range = checkedRange(asked);
      const collected = new Array<unknown>(range.count);
      await readColumn(column, range, (values, { from, to, shift }) => {
        for (let k = from; k < to; k++) collected[k + shift] = values[k];
      });
      return collected;
    },
    numbers: async (column, asked) => {
      const range = checkedRange(asked);
      const collected = new Float64Array(range.count).fill(Number.NaN);
      // Said afterwards: hyparquet does not wait for what it calls.
      let other = -1;
      await readColumn(column, range, (values, { from, to, shift }) => {
        for (let k = from; k < to; k++) {
          const value = values[k];
          if (typeof value === 'number') collected[k + shift] = value;
          else if (other < 0 && value !== null && value !== undefined) other = k + shift;
        }
      });
      if (other >= 0) {
        throw new InputError(
          `${file}: ${shownValue(column)} of row ${range.first + other} is no number; values() reads columns of any type`,
        );
      }
      return collected;
    },
  };
}

/**
 * A file whose stretches are read at once, not by the threads that Node has for it: there they would wait behind what is
 * being compressed.
 */
function bufferOf(file: string, role: string): AsyncBuffer {
  return {
    byteLength: withFileSync(file, role, (_, size) => size),
    slice: (start, end) =>
      withFileSync(file, role, (descriptor, size) => {
        const bytes = new Uint8Array((end ?? size) - start);
        readFully(descriptor, bytes, start, file);
        return bytes.buffer;
      }),
  };
}
