/** Dense row-major matrix of rows * columns values. Its buffer may be WebAssembly memory, not shared memory. */
export interface Matrix<T extends Float32Array | Float64Array> {
  values: T;
  rows: number;
  columns: number;
}

/** Matrix of float32 values in a file: row-major, little-endian, without gaps. Plain data, to send to threads. */
export interface StoredMatrix {
  /** Absolute path. */
  file: string;
  byteOffset: number;
  rows: number;
  columns: number;
}

/** Part of a matrix that a check of its shape looks at. */
export interface Shape {
  values: { length: number };
  rows: number;
  columns: number;
}

/** Checks the operands of out = A B. @throws RangeError when they do not fit, or an array is not its shape */
export function checkShapes(a: Shape, b: Shape, out: Shape): void {
  const fits = a.columns === b.rows && out.rows === a.rows && out.columns === b.columns;
  if (fits && [a, b, out].every(isWhole)) return;
  throw new RangeError(`product of ${shapeText(a)} and ${shapeText(b)} does not fit ${shapeText(out)}`);
}

/** Checks the operands of out = A B^T. @throws RangeError when they do not fit, or an array is not its shape */
export function checkOuterShapes(a: Shape, b: Shape, out: Shape): void {
  checkShapes(a, { values: b.values, rows: b.columns, columns: b.rows }, out);
}

/** Checks that a matrix has as many values as its shape. @throws RangeError when it has not */
export function checkWhole(matrix: Shape): void {
  if (!isWhole(matrix)) throw new RangeError(`a matrix of ${shapeText(matrix)} is not its shape`);
}

function isWhole({ values, rows, columns }: Shape): boolean {
  return values.length === rows * columns;
}

function shapeText({ values, rows, columns }: Shape): string {
  return `${rows} x ${columns} (${values.length} values)`;
}
