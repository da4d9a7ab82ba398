import { closeSync, openSync } from 'node:fs';
import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  type SchemaElement,
} from 'hyparquet';
import { InputError } from '../errors.js';
import { readBytes, withFile } from '../files/open-file.js';
import { writeFully } from '../files/partial-file.js';
import { asInputError } from '../files/read-error.js';
import { asOutputError } from '../files/write-error.js';
import { chunkSpan } from '../formats/parquet-bounds.js';
import { compressors } from '../formats/parquet-compressors.js';
import { columnsOfSchema, leavesOf } from '../formats/parquet-schema.js';
import { counted } from '../text/figures.js';
import { unknownName } from '../text/nearest.js';
import { shownValue } from '../text/shown-value.js';
import { type FoundVectors, selection, type VectorWish } from './vectors.js';

const ROLE = 'the vectors';

/** Vectors of a Parquet file, a row each, before they are copied to where threads can read them. */
export interface ParquetVectors extends Omit<FoundVectors, 'byteOffset' | 'strides'> {
  dtype: 'float32' | 'float64';
  /** Columns of which a vector is made: one of lists, or one a component. */
  columns: readonly string[];
  isList: boolean;
}

/** Whether a file is of the format, by its first bytes. */
export async function isParquet(file: string): Promise<boolean> {
  const head = await withFile(file, ROLE, (opened) => readBytes(opened, 0, Math.min(4, opened.size)));
  return Buffer.from(head).toString('latin1') === 'PAR1';
}

/** A column of a file in which vectors may be. */
interface Column {
  name: string;
  dtype: ParquetVectors['dtype'];
  isList: boolean;
  /** Numbers in it, over all rows. */
  values: number;
}

/** Compressed values: no vector has as many numbers in so few bytes. */
const MOST_NUMBERS_A_BYTE = 16;

/**
 * Finds vectors of d components in a Parquet file: a column of lists of d numbers, or else d columns of numbers, in their
 * order. Only the footer is read. Columns of whole numbers are no components.
 *
 * @throws InputError where nothing in it fits, or several columns of lists do
 */
export async function findParquetVectors(
  file: string,
  hidden: number,
  wish: VectorWish,
): Promise<ParquetVectors> {
  if (wish.transpose !== undefined)
    throw new InputError(
      `${file}: a row of a Parquet file is a vector; leave --transpose and --no-transpose away`,
    );
  const { metadata, bytes } = await readFooter(file);
  const rows = Number(metadata.num_rows);
  const columns = numericColumns(metadata);
  const chosen = chooseColumns(file, { columns, rows, hidden }, wish.tensor);
  if (!(rows * hidden <= bytes * MOST_NUMBERS_A_BYTE))
    throw new InputError(
      `${file}: promises ${rows} vectors of ${hidden} components in ${bytes} bytes; it is damaged`,
    );
  const { first, count } = selection(file, rows, wish.rows);
  return {
    ...{ file, first, count, hidden, kind: null, isTransposed: false },
    tensor: chosen[0]!.isList ? chosen[0]!.name : null,
    columns: chosen.map(({ name }) => name),
    isList: chosen[0]!.isList,
    dtype: chosen.some(({ dtype }) => dtype === 'float64') ? 'float64' : 'float32',
  };
}

/**
 * Copies the vectors of a Parquet file into a file of rows, which any thread can read by itself.
 *
 * @param target where the copy is made; nothing stands there
 * @throws InputError where a vector has another length, or a component is no finite number
 */
export async function copyParquetVectors(found: ParquetVectors, target: string): Promise<FoundVectors> {
  const { columns: names, isList, ...vectors } = found;
  const { file, hidden, dtype, first, count } = found;
  const { metadata, buffer } = await readFooter(file);
  let descriptor: number;
  try {
    descriptor = openSync(target, 'wx');
  } catch (error) {
    throw asOutputError(error, target);
  }
  try {
    let start = 0;
    for (const { num_rows: length, columns } of metadata.row_groups) {
      const [from, to] = [Math.max(first, start), Math.min(first + count, start + Number(length))];
      start += Number(length);
      if (from >= to) continue;
      const read: unknown[][] = [];
      await attempt(file, async () => {
        for (const { meta_data: chunk } of columns) refuseBeyond(chunkSpan(chunk!).end, buffer.byteLength);
        const options = {
          file: buffer,
          metadata,
          columns: [...names],
          rowStart: from,
          rowEnd: to,
          compressors,
        };
        await parquetRead({ ...options, onComplete: (rows) => read.push(...rows) });
      });
      const values =
        dtype === 'float32' ? new Float32Array((to - from) * hidden) : new Float64Array((to - from) * hidden);
      for (let i = 0; i < to - from; i++) {
        const row = (isList ? read[i]?.[0] : read[i]) as ArrayLike<unknown> | null | undefined;
        fill(values.subarray(i * hidden, (i + 1) * hidden), row, `${file}: vector ${from + i}`);
      }
      writeFully(descriptor, new Uint8Array(values.buffer), null, target);
    }
  } finally {
    closeSync(descriptor);
  }
  return { ...vectors, file: target, givenAs: file, byteOffset: 0, strides: [hidden, 1] };
}

/** Puts the components of a vector where they belong. @throws InputError where they are not those of one */
function fill(
  out: Float32Array | Float64Array,
  row: ArrayLike<unknown> | null | undefined,
  where: string,
): void {
  if (row?.length !== out.length)
    throw new InputError(
      `${where}: has ${row?.length ?? 'no'} components, expected ${out.length}; leave such vectors out with --rows`,
    );
  for (let j = 0; j < out.length; j++) {
    const value = row[j];
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new InputError(
        `${where}: component ${j} is ${shownValue(value)}, expected a finite number; leave such vectors out with --rows`,
      );
    out[j] = value;
  }
}

async function readFooter(file: string) {
  return withFile(file, ROLE, async ({ size }) => {
    const buffer = await attempt(file, () => asyncBufferFromFile(file));
    return { buffer, bytes: size, metadata: await attempt(file, () => parquetMetadataAsync(buffer)) };
  });
}

async function attempt<Result>(file: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    const known = asInputError(error, file, ROLE);
    if (known instanceof InputError) throw known;
    throw new InputError(
      `${file}: cannot read ${ROLE}: ${(error as Error).message}; save them again, as Parquet with Snappy or no compression, .npy or .safetensors`,
      { cause: error },
    );
  }
}

function refuseBeyond(end: number, bytes: number): void {
  if (!(end <= bytes)) throw new RangeError('a column lies outside of the file');
}

/** Lists the columns of numbers with a point, flat ones and lists of them. */
function numericColumns({ schema, row_groups: groups }: FileMetaData): Column[] {
  return columnsOfSchema(schema).flatMap(({ name, elements, leaf }) => {
    const [element, ...others] = leavesOf(elements);
    const dtype = element === undefined || others.length > 0 ? null : dtypeOf(element);
    const isList = elements.some(({ repetition_type: repetition }) => repetition === 'REPEATED');
    if (dtype === null || !(isList || elements.length === 1)) return [];
    const values = groups.reduce(
      (sum, group) => sum + Number(group.columns[leaf]?.meta_data?.num_values ?? 0),
      0,
    );
    return [{ name, dtype, isList, values }];
  });
}

function dtypeOf({ type, logical_type: logical }: SchemaElement): Column['dtype'] | null {
  if (type === 'DOUBLE') return 'float64';
  return type === 'FLOAT' || logical?.type === 'FLOAT16' ? 'float32' : null;
}

/** Columns in a message. */
const MOST_LISTED = 20;

function chooseColumns(
  file: string,
  { columns, rows, hidden }: { columns: readonly Column[]; rows: number; hidden: number },
  wanted: string | undefined,
): readonly Column[] {
  const lists = columns.filter(({ isList }) => isList);
  const fits = ({ values }: Column) => rows > 0 && values === rows * hidden;
  if (wanted !== undefined) {
    const named = lists.find(({ name }) => name === wanted);
    if (named === undefined) {
      if (lists.length === 0) throw new InputError(`${file}: holds no columns of lists; leave --tensor away`);
      const names = lists.slice(0, MOST_LISTED).map(({ name }) => name);
      throw new InputError(`${file}: there is no column of lists ${unknownName(wanted, names)}`);
    }
    if (fits(named)) return [named];
    throw new InputError(
      `${file}: column ${shownValue(wanted)} has ${counted(named.values, 'number')} in ${counted(rows, 'row')}, expected ` +
        `${hidden} in each, the run's hidden size`,
    );
  }
  const fitting = lists.filter(fits);
  if (fitting.length === 1) return fitting;
  if (fitting.length > 1)
    throw new InputError(
      `${file}: several columns hold lists of ${hidden} numbers: ${fitting.map(({ name }) => shownValue(name)).join(', ')}; name ` +
        'one with --tensor',
    );
  const flat = columns.filter(({ isList }) => !isList);
  if (flat.length === hidden && flat.every(({ values }) => values === rows)) return flat;
  throw new InputError(
    `${file}: expected vectors of ${hidden} components, the run's hidden size, as a column of lists of ${hidden} numbers, or as ` +
      `${hidden} columns of numbers with a point; found ${counted(flat.length, 'such column')}` +
      `${lists.length === 0 ? '' : `, and lists in ${lists.map(({ name }) => shownValue(name)).join(', ')}`}`,
  );
}
