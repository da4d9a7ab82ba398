/** A dense row-major matrix, `values.length === rows * columns`. Its buffer may be WebAssembly memory, not shared memory. */
export interface Matrix<T extends Float32Array | Float64Array> {
  values: T;
  rows: number;
  columns: number;
}

/** A float32 matrix in a file: row-major, little-endian, without gaps. Plain data, which workers can be sent. */
export interface StoredMatrix {
  /** Absolute path. */
  file: string;
  byteOffset: number;
  rows: number;
  columns: number;
}

/** What a shape check needs of a matrix. */
export interface Shape {
  values: { length: number };
  rows: number;
  columns: number;
}

/** @throws RangeError when out = A B does not fit, or an array is not its shape */
export function checkShapes(a: Shape, b: Shape, out: Shape): void {
  const fits = a.columns === b.rows && out.rows === a.rows && out.columns === b.columns;
  if (fits && [a, b, out].every(isWhole)) return;
  throw new RangeError(`product of ${text(a)} and ${text(b)} does not fit ${text(out)}`);
}

/** @throws RangeError when the array is not its shape */
export function checkWhole(matrix: Shape): void {
  if (!isWhole(matrix)) throw new RangeError(`a matrix of ${text(matrix)} is not its shape`);
}

function isWhole({ values, rows, columns }: Shape): boolean {
  return values.length === rows * columns;
}

function text({ values, rows, columns }: Shape): string {
  return `${rows} x ${columns} (${values.length} values)`;
}
