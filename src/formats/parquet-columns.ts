import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { EigenshardError, InputError } from '../errors.js';
import { withFile } from '../files/open-file.js';
import { asInputError } from '../files/read-error.js';
import { shownValue } from '../text/shown-value.js';
import { chunkSpan, footerProblem, pagesProblem } from './parquet-bounds.js';

/** A leading U+FEFF is text, which hyparquet's own decoder drops as a byte order mark. */
const exact = new TextDecoder('utf-8', { ignoreBOM: true });

/** The values of a column, [rows] in the order of the file; null or undefined where the file has none. */
export type ParquetColumn = ArrayLike<unknown>;

/** Takes values of a column, from the row `start`. */
type OnValues = (values: ArrayLike<unknown>, start: number) => void;

/** A Parquet file whose columns are read one by one. */
export interface ParquetColumns {
  /** How many rows the file has. */
  rows: number;
  /** Names of the columns, in the order of the file. */
  names: readonly string[];
  /**
   * Reads a column of numbers as float64 [rows], null as NaN.
   * @throws EigenshardError of the kind 'input' where the column is absent or damaged, or holds something else
   */
  numbers(column: string): Promise<Float64Array>;
  /**
   * Reads a column of any type, [rows]: strings, booleans or numbers, null or undefined where there is no value.
   * @throws EigenshardError of the kind 'input' where the column is absent or damaged
   */
  values(column: string): Promise<ParquetColumn>;
}

/**
 * Opens a Parquet file; only its footer is read.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where it cannot be read
 */
export async function openParquetColumns(file: string, role: string): Promise<ParquetColumns> {
  const attempt = async <Result>(action: () => Promise<Result>): Promise<Result> => {
    try {
      return await action();
    } catch (error) {
      const known = asInputError(error, file, role);
      if (known instanceof EigenshardError) throw known;
      throw new InputError(
        `${file}: cannot read ${role}: it is damaged (${(error as Error).message}). Make the run again`,
        {
          cause: error,
        },
      );
    }
  };
  // Looked at first: to open a named pipe would wait for somebody who writes to it.
  const buffer = await withFile(file, role, () => attempt(() => asyncBufferFromFile(file)));
  const metadata: FileMetaData = await attempt(() => parquetMetadataAsync(buffer));
  const refuse = (problem: string | null) => {
    if (problem !== null)
      throw new InputError(`${file}: cannot read ${role}: ${problem}. Make the run again`);
  };
  // A damaged footer may lack what it is read by.
  refuse(await attempt(async () => footerProblem(metadata, buffer.byteLength)));
  const names = metadata.schema.slice(1).map(({ name }) => name);
  const rows = Number(metadata.num_rows);

  const readColumn = async (column: string, onValues: OnValues): Promise<void> => {
    if (!names.includes(column))
      throw new InputError(`${file}: has no column ${shownValue(column)}. Make the run again`);
    const index = names.indexOf(column);
    const isOptional = metadata.schema[index + 1]!.repetition_type === 'OPTIONAL';
    for (const { columns, num_rows: count } of metadata.row_groups) {
      const chunk = columns[index]!.meta_data!;
      const { start, end } = chunkSpan(chunk);
      const bytes = await attempt(async () => buffer.slice(start, end));
      refuse(
        await attempt(async () => pagesProblem(bytes, Number(count), { isOptional, codec: chunk.codec })),
      );
    }
    let read = 0;
    await attempt(() =>
      parquetRead({
        file: buffer,
        metadata,
        columns: [column],
        parsers: { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && exact.decode(bytes) },
        onChunk: ({ columnData, rowStart }) => {
          read += columnData.length;
          onValues(columnData, rowStart);
        },
      }),
    );
    refuse(
      read === rows ? null : `its column ${shownValue(column)} has ${read} values, its footer says ${rows}`,
    );
  };
  return {
    rows,
    names,
    values: async (column) => {
      const collected = new Array<unknown>(rows);
      await readColumn(column, (values, start) => {
        for (let k = 0; k < values.length; k++) collected[start + k] = values[k];
      });
      return collected;
    },
    numbers: async (column) => {
      const collected = new Float64Array(rows).fill(Number.NaN);
      // Said afterwards: hyparquet does not wait for what it calls.
      let other = -1;
      await readColumn(column, (values, start) => {
        for (let k = 0; k < values.length; k++) {
          const value = values[k];
          if (typeof value === 'number') collected[start + k] = value;
          else if (other < 0 && value !== null && value !== undefined) other = start + k;
        }
      });
      if (other >= 0) {
        throw new InputError(
          `${file}: ${shownValue(column)} of row ${other} is no number; values() reads columns of any type`,
        );
      }
      return collected;
    },
  };
}
