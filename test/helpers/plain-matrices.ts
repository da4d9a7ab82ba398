import { eighOf } from './jacobi.js';

/** A matrix as rows of numbers: slow, and as plain as can be. */
export type PlainMatrix = number[][];

/** Rows [rows, d] less their mean row. */
export function centredRows(values: ArrayLike<number>, d: number): PlainMatrix {
  const rows = Array.from({ length: values.length / d }, (_, i) =>
    Array.from({ length: d }, (_, j) => values[i * d + j]!),
  );
  const mean = rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
  return rows.map((row) => row.map((value, j) => value - mean[j]!));
}

/** A^T B / n of rows. */
export function crossOf(a: PlainMatrix, b: PlainMatrix): PlainMatrix {
  return a[0]!.map((_, j) =>
    b[0]!.map((_, k) => a.reduce((sum, row, i) => sum + row[j]! * b[i]![k]!, 0) / a.length),
  );
}

export function times(a: PlainMatrix, b: PlainMatrix): PlainMatrix {
  return a.map((row) => b[0]!.map((_, k) => row.reduce((sum, value, j) => sum + value * b[j]![k]!, 0)));
}

export function turned(a: PlainMatrix): PlainMatrix {
  return a[0]!.map((_, j) => a.map((row) => row[j]!));
}

/** Sum of the squares of all entries. */
export function squaresOf(a: PlainMatrix): number {
  return a.flat().reduce((sum, value) => sum + value * value, 0);
}

/** L^-1 B of a positive definite matrix L L^T, by Cholesky's elimination. */
export function whitened(matrix: PlainMatrix, b: PlainMatrix): PlainMatrix {
  const n = matrix.length;
  const lower: PlainMatrix = matrix.map(() => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i]![j]!;
      for (let k = 0; k < j; k++) rest -= lower[i]![k]! * lower[j]![k]!;
      lower[i]![j] = i === j ? Math.sqrt(rest) : rest / lower[j]![j]!;
    }
  const out: PlainMatrix = [];
  for (let i = 0; i < n; i++)
    out.push(
      b[i]!.map((value, k) => {
        let rest = value;
        for (let j = 0; j < i; j++) rest -= lower[i]![j]! * out[j]![k]!;
        return rest / lower[i]![i]!;
      }),
    );
  return out;
}

/** Singular values of a matrix, falling, by Jacobi's rotations of A^T A. */
export function singularValuesOf(a: PlainMatrix): number[] {
  const gram = times(turned(a), a);
  return Array.from(eighOf(Float64Array.from(gram.flat()), gram.length), (value) =>
    Math.sqrt(Math.max(0, value)),
  ).reverse();
}

/** Squared canonical correlations of two sets of centred rows, falling. */
export function canonicalCorrelations(a: PlainMatrix, b: PlainMatrix): number[] {
  const half = whitened(crossOf(a, a), crossOf(a, b));
  return singularValuesOf(turned(whitened(crossOf(b, b), turned(half)))).map((value) => value * value);
}
