// Kernels over rows of a float matrix (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory;
// matrices are row-major unless a name says columns. Sums are accumulated in float64 in a fixed order.

import { horizontal, low } from './shared/lanes';

/** Decodes: dst[i] = float32(src[i]) for `count` bfloat16 values; exact. dst may not overlap src. */
export function decodeBfloat16(src: usize, dst: usize, count: usize): void {
  let i: usize = 0;
  for (; i + 8 <= count; i += 8) {
    const halves = v128.load(src + (i << 1));
    v128.store(dst + (i << 2), i32x4.shl(i32x4.extend_low_i16x8_u(halves), 16));
    v128.store(dst + (i << 2) + 16, i32x4.shl(i32x4.extend_high_i16x8_u(halves), 16));
  }
  for (; i < count; i++) store<u32>(dst + (i << 2), (<u32>load<u16>(src + (i << 1))) << 16);
}

/** Decodes: dst[i] = float32(src[i]) for `count` float16 values; exact, subnormals, infinities and NaN included. */
export function decodeFloat16(src: usize, dst: usize, count: usize): void {
  // Shifted into a float32's exponent and mantissa the value is 2^-112 too small; one product mends normals and
  // subnormals alike. Exponent 31 (infinity, NaN) must become 255 instead.
  const scale = f32x4.splat(reinterpret<f32>(0x77800000)); // 2^112
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const halves = i32x4.extend_low_i16x8_u(v128.load64_zero(src + (i << 1)));
    const magnitude = v128.and(halves, i32x4.splat(0x7fff));
    const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
    const shifted = i32x4.shl(magnitude, 13);
    const special = i32x4.ge_s(magnitude, i32x4.splat(0x7c00));
    const finite = f32x4.mul(shifted, scale);
    const infinite = v128.or(shifted, i32x4.splat(0x7f800000));
    v128.store(dst + (i << 2), v128.or(sign, v128.bitselect(infinite, finite, special)));
  }
  for (; i < count; i++) {
    const half = <u32>load<u16>(src + (i << 1));
    const magnitude = half & 0x7fff;
    const bits =
      magnitude >= 0x7c00
        ? (magnitude << 13) | 0x7f800000
        : reinterpret<u32>(reinterpret<f32>(magnitude << 13) * reinterpret<f32>(0x77800000));
    store<u32>(dst + (i << 2), ((half & 0x8000) << 16) | bits);
  }
}

/**
 * Measures each row of a float32 [rows, columns] matrix: squares[i] = sum_j x_ij^2 and
 * products[i] = sum_j x_ij * vector[j]; vector, squares and products are float64.
 */
export function measureRows(
  src: usize,
  rows: usize,
  columns: usize,
  vector: usize,
  squares: usize,
  products: usize,
): void {
  for (let i: usize = 0; i < rows; i++) {
    const row = src + ((i * columns) << 2);
    let square0 = f64x2.splat(0);
    let square1 = f64x2.splat(0);
    let product0 = f64x2.splat(0);
    let product1 = f64x2.splat(0);
    let j: usize = 0;
    for (; j + 4 <= columns; j += 4) {
      const x0 = low(row + (j << 2));
      const x1 = low(row + (j << 2) + 8);
      square0 = f64x2.add(square0, f64x2.mul(x0, x0));
      square1 = f64x2.add(square1, f64x2.mul(x1, x1));
      product0 = f64x2.add(product0, f64x2.mul(x0, v128.load(vector + (j << 3))));
      product1 = f64x2.add(product1, f64x2.mul(x1, v128.load(vector + (j << 3) + 16)));
    }
    let square = horizontal(f64x2.add(square0, square1));
    let product = horizontal(f64x2.add(product0, product1));
    for (; j < columns; j++) {
      const x = <f64>load<f32>(row + (j << 2));
      square += x * x;
      product += x * load<f64>(vector + (j << 3));
    }
    store<f64>(squares + (i << 3), square);
    store<f64>(products + (i << 3), product);
  }
}

/**
 * Probes each row of a float32 [rows, columns] matrix: squares[i] = sum_j x_ij^2, fourths[i] = sum_j x_ij^4, and its
 * products with two vectors, products[q, i] = sum_j x_ij * vectors[q, j]. vectors [2, columns], squares and fourths [rows] are
 * float64, and so is products [2, ...], whose second row lies productStride bytes behind the first.
 */
export function probeRows(
  src: usize,
  rows: usize,
  columns: usize,
  vectors: usize,
  squares: usize,
  fourths: usize,
  products: usize,
  productStride: usize,
): void {
  // Two rows at a time halve the traffic on the vectors. The last of an odd number is its own partner.
  for (let i: usize = 0; i < rows; i += 2) {
    const partner = min(i + 1, rows - 1);
    const row0 = src + ((i * columns) << 2);
    const row1 = src + ((partner * columns) << 2);
    const at = i << 3;
    probePair(row0, row1, columns, vectors, squares + at, fourths + at, products + at, productStride);
  }
}

/** Probes two rows; the figures of the second one, where it is another, lie behind those of the first. */
function probePair(
  row0: usize,
  row1: usize,
  columns: usize,
  vectors: usize,
  squares: usize,
  fourths: usize,
  products: usize,
  productStride: usize,
): void {
  const others = vectors + (columns << 3);
  let square00 = f64x2.splat(0);
  let square01 = f64x2.splat(0);
  let square10 = f64x2.splat(0);
  let square11 = f64x2.splat(0);
  let fourth0 = f64x2.splat(0);
  let fourth1 = f64x2.splat(0);
  let product0 = f64x2.splat(0);
  let product1 = f64x2.splat(0);
  let other0 = f64x2.splat(0);
  let other1 = f64x2.splat(0);
  let j: usize = 0;
  for (; j + 4 <= columns; j += 4) {
    const at = j << 3;
    const x00 = low(row0 + (j << 2));
    const x10 = low(row1 + (j << 2));
    const vector0 = v128.load(vectors + at);
    const vectorOf0 = v128.load(others + at);
    const y00 = f64x2.mul(x00, x00);
    const y10 = f64x2.mul(x10, x10);
    square00 = f64x2.add(square00, y00);
    square10 = f64x2.add(square10, y10);
    fourth0 = f64x2.add(fourth0, f64x2.mul(y00, y00));
    fourth1 = f64x2.add(fourth1, f64x2.mul(y10, y10));
    product0 = f64x2.add(product0, f64x2.mul(x00, vector0));
    product1 = f64x2.add(product1, f64x2.mul(x10, vector0));
    other0 = f64x2.add(other0, f64x2.mul(x00, vectorOf0));
    other1 = f64x2.add(other1, f64x2.mul(x10, vectorOf0));
    const x01 = low(row0 + (j << 2) + 8);
    const x11 = low(row1 + (j << 2) + 8);
    const vector1 = v128.load(vectors + at, 16);
    const vectorOf1 = v128.load(others + at, 16);
    const y01 = f64x2.mul(x01, x01);
    const y11 = f64x2.mul(x11, x11);
    square01 = f64x2.add(square01, y01);
    square11 = f64x2.add(square11, y11);
    fourth0 = f64x2.add(fourth0, f64x2.mul(y01, y01));
    fourth1 = f64x2.add(fourth1, f64x2.mul(y11, y11));
    product0 = f64x2.add(product0, f64x2.mul(x01, vector1));
    product1 = f64x2.add(product1, f64x2.mul(x11, vector1));
    other0 = f64x2.add(other0, f64x2.mul(x01, vectorOf1));
    other1 = f64x2.add(other1, f64x2.mul(x11, vectorOf1));
  }
  let squareA = horizontal(f64x2.add(square00, square01));
  let squareB = horizontal(f64x2.add(square10, square11));
  let fourthA = horizontal(fourth0);
  let fourthB = horizontal(fourth1);
  let productA = horizontal(product0);
  let productB = horizontal(product1);
  let otherA = horizontal(other0);
  let otherB = horizontal(other1);
  for (; j < columns; j++) {
    const a = <f64>load<f32>(row0 + (j << 2));
    const b = <f64>load<f32>(row1 + (j << 2));
    const value = load<f64>(vectors + (j << 3));
    const other = load<f64>(others + (j << 3));
    squareA += a * a;
    squareB += b * b;
    fourthA += a * a * (a * a);
    fourthB += b * b * (b * b);
    productA += a * value;
    productB += b * value;
    otherA += a * other;
    otherB += b * other;
  }
  store<f64>(squares, squareA);
  store<f64>(fourths, fourthA);
  store<f64>(products, productA);
  store<f64>(products + productStride, otherA);
  if (row1 == row0) return;
  store<f64>(squares, squareB, 8);
  store<f64>(fourths, fourthB, 8);
  store<f64>(products, productB, 8);
  store<f64>(products + productStride, otherB, 8);
}

/** Adds column sums: sums[j] += sum_i x_ij over a float32 [rows, columns] matrix; sums is float64 [columns]. */
export function addColumnSums(src: usize, rows: usize, columns: usize, sums: usize): void {
  // Four rows at a time quarter the traffic on the sums.
  let i: usize = 0;
  for (; i + 4 <= rows; i += 4) {
    const row0 = src + ((i * columns) << 2);
    const row1 = row0 + (columns << 2);
    const row2 = row1 + (columns << 2);
    const row3 = row2 + (columns << 2);
    let j: usize = 0;
    for (; j + 2 <= columns; j += 2) {
      const sum = sums + (j << 3);
      const at = j << 2;
      const pair0 = f64x2.add(low(row0 + at), low(row1 + at));
      const pair1 = f64x2.add(low(row2 + at), low(row3 + at));
      v128.store(sum, f64x2.add(f64x2.add(v128.load(sum), pair0), pair1));
    }
    if (j < columns) {
      const at = j << 2;
      const pair0 = <f64>load<f32>(row0 + at) + <f64>load<f32>(row1 + at);
      const pair1 = <f64>load<f32>(row2 + at) + <f64>load<f32>(row3 + at);
      store<f64>(sums + (j << 3), load<f64>(sums + (j << 3)) + pair0 + pair1);
    }
  }
  for (; i + 2 <= rows; i += 2) {
    const row0 = src + ((i * columns) << 2);
    const row1 = row0 + (columns << 2);
    let j: usize = 0;
    for (; j + 2 <= columns; j += 2) {
      const sum = sums + (j << 3);
      const pair = f64x2.add(low(row0 + (j << 2)), low(row1 + (j << 2)));
      v128.store(sum, f64x2.add(v128.load(sum), pair));
    }
    if (j < columns) {
      const pair = <f64>load<f32>(row0 + (j << 2)) + <f64>load<f32>(row1 + (j << 2));
      store<f64>(sums + (j << 3), load<f64>(sums + (j << 3)) + pair);
    }
  }
  if (i < rows) {
    const row = src + ((i * columns) << 2);
    for (let j: usize = 0; j < columns; j++) {
      store<f64>(sums + (j << 3), load<f64>(sums + (j << 3)) + <f64>load<f32>(row + (j << 2)));
    }
  }
}

/**
 * Writes a float32 [rows, columns] matrix by columns: element (i, j) goes to dst + j * columnStride + 4 i.
 * columnStride is in bytes and needs no alignment (page headers lie between a Parquet file's columns).
 */
export function transposeRows(
  src: usize,
  rows: usize,
  columns: usize,
  dst: usize,
  columnStride: usize,
): void {
  const rowBytes = columns << 2;
  const wholeRows = rows & ~15;
  const wholeColumns = columns & ~3;
  // 16 rows x 4 columns: every destination column receives one full cache line at a time.
  for (let i: usize = 0; i < wholeRows; i += 16) {
    for (let j: usize = 0; j < wholeColumns; j += 4) {
      const from = src + i * rowBytes + (j << 2);
      const to = dst + j * columnStride + (i << 2);
      transpose4x4(from, rowBytes, to, columnStride);
      transpose4x4(from + 4 * rowBytes, rowBytes, to + 16, columnStride);
      transpose4x4(from + 8 * rowBytes, rowBytes, to + 32, columnStride);
      transpose4x4(from + 12 * rowBytes, rowBytes, to + 48, columnStride);
    }
  }
  copyTransposed(src, rowBytes, dst, columnStride, 0, wholeRows, wholeColumns, columns);
  copyTransposed(src, rowBytes, dst, columnStride, wholeRows, rows, 0, columns);
}

/**
 * Transposes whole columns (column j of `rows` float32 at src + j * columnStride, any alignment) into float32 rows
 * [rows, columns] at dst: undoes `transposeRows`.
 */
export function gatherRows(
  src: usize,
  columnStride: usize,
  rows: usize,
  columns: usize,
  dst: usize,
): void {
  const rowBytes = columns << 2;
  const wholeRows = rows & ~15;
  const wholeColumns = columns & ~3;
  // 16 rows x 4 columns: every column gives one full cache line at a time.
  for (let i: usize = 0; i < wholeRows; i += 16) {
    for (let j: usize = 0; j < wholeColumns; j += 4) {
      const from = src + j * columnStride + (i << 2);
      const to = dst + i * rowBytes + (j << 2);
      transpose4x4(from, columnStride, to, rowBytes);
      transpose4x4(from + 16, columnStride, to + 4 * rowBytes, rowBytes);
      transpose4x4(from + 32, columnStride, to + 8 * rowBytes, rowBytes);
      transpose4x4(from + 48, columnStride, to + 12 * rowBytes, rowBytes);
    }
  }
  copyTransposed(src, columnStride, dst, rowBytes, 0, columns, wholeRows, rows);
  copyTransposed(src, columnStride, dst, rowBytes, wholeColumns, columns, 0, wholeRows);
}

// @ts-ignore: decorator
@inline
function transpose4x4(from: usize, rowBytes: usize, to: usize, columnStride: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + rowBytes);
  const c = v128.load(from + 2 * rowBytes);
  const d = v128.load(from + 3 * rowBytes);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
  v128.store(to + columnStride, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
  v128.store(to + 2 * columnStride, v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5));
  v128.store(to + 3 * columnStride, v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7));
}

function copyTransposed(
  src: usize,
  rowBytes: usize,
  dst: usize,
  columnStride: usize,
  firstRow: usize,
  endRow: usize,
  firstColumn: usize,
  endColumn: usize,
): void {
  for (let i = firstRow; i < endRow; i++) {
    for (let j = firstColumn; j < endColumn; j++) {
      store<f32>(dst + j * columnStride + (i << 2), load<f32>(src + i * rowBytes + (j << 2)));
    }
  }
}

/**
 * Centres the columns of a float32 [rows, columns] matrix for a covariance, from the column `from` on: x_ij - mean[j] in
 * float64, one column after the other, [columns - from, rows] row-major.
 */
export function centreColumns(
  src: usize,
  rows: usize,
  columns: usize,
  from: usize,
  mean: usize,
  dst: usize,
): void {
  const rowBytes = columns << 2;
  const columnBytes = rows << 3;
  const wholeRows = rows & ~7;
  const count = columns - from;
  const wholeColumns = count & ~1;
  const x = src + (from << 2);
  const means = mean + (from << 3);
  // Eight rows at a time: what they give to a column is a whole line of the cache.
  for (let i: usize = 0; i < wholeRows; i += 8) {
    for (let j: usize = 0; j < wholeColumns; j += 2) {
      const m = v128.load(means + (j << 3));
      for (let k = i; k < i + 8; k += 2) {
        const upper = centred2(x + k * rowBytes + (j << 2), m);
        const lower = centred2(x + (k + 1) * rowBytes + (j << 2), m);
        const column = dst + j * columnBytes + (k << 3);
        v128.store(column, v128.shuffle<f64>(upper, lower, 0, 2));
        v128.store(column + columnBytes, v128.shuffle<f64>(upper, lower, 1, 3));
      }
    }
  }
  for (let i: usize = 0; i < rows; i++) {
    for (let j = i < wholeRows ? wholeColumns : 0; j < count; j++) {
      const value = <f64>load<f32>(x + i * rowBytes + (j << 2)) - load<f64>(means + (j << 3));
      store<f64>(dst + j * columnBytes + (i << 3), value);
    }
  }
}

/** Two neighbouring entries less their columns' means. */
@inline
function centred2(entries: usize, means: v128): v128 {
  return f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(entries)), means);
}

/**
 * Folds `columns` whole columns of projections (float32, column j at src + j * columnStride, any alignment) into
 * - per row (float64, added): squares p^2, causal lambda_j p^2 and fourths p^4, [rows], and probes p r_qj, [2, ...];
 * - per column (float64, stored): sums of p, p^2, p^3 and p^4, the least p and the largest, [columns, 6].
 * lambda [columns], probeVectors [2, ...] and statistics point at this block's first column, squares, causal, fourths and
 * probes at its first row. The second row of probeVectors and probes lies vectorStride and probeStride bytes behind the first.
 */
export function foldColumns(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  lambda: usize,
  probeVectors: usize,
  vectorStride: usize,
  squares: usize,
  causal: usize,
  fourths: usize,
  probes: usize,
  probeStride: usize,
  statistics: usize,
): void {
  // Two columns at a time halve the traffic on the sums of rows.
  let j: usize = 0;
  for (; j + 2 <= columns; j += 2) {
    const column = src + j * columnStride;
    const weights = lambda + (j << 3);
    addPair(column, column + columnStride, rows, weights, probeVectors + (j << 3), vectorStride, squares, causal, fourths, probes, probeStride);
    measureColumn(column, rows, statistics + 48 * j);
    measureColumn(column + columnStride, rows, statistics + 48 * (j + 1));
  }
  if (j < columns) {
    const column = src + j * columnStride;
    const vector = probeVectors + (j << 3);
    addRows(column, 0, rows, load<f64>(lambda + (j << 3)), vector, vectorStride, squares, causal, fourths, probes, probeStride);
    measureColumn(column, rows, statistics + 48 * j);
  }
}

/** Adds two columns to the sums of their rows, the first one first. */
function addPair(
  column0: usize,
  column1: usize,
  rows: usize,
  weights: usize,
  vectors: usize,
  vectorStride: usize,
  squares: usize,
  causal: usize,
  fourths: usize,
  probes: usize,
  probeStride: usize,
): void {
  const weight0 = v128.load64_splat(weights);
  const weight1 = v128.load64_splat(weights, 8);
  const r0 = v128.load64_splat(vectors);
  const r1 = v128.load64_splat(vectors, 8);
  const s0 = v128.load64_splat(vectors + vectorStride);
  const s1 = v128.load64_splat(vectors + vectorStride, 8);
  const others = probes + probeStride;
  let i: usize = 0;
  for (; i + 2 <= rows; i += 2) {
    const at = i << 3;
    const p0 = low(column0 + (i << 2));
    const p1 = low(column1 + (i << 2));
    const square0 = f64x2.mul(p0, p0);
    const square1 = f64x2.mul(p1, p1);
    v128.store(squares + at, f64x2.add(f64x2.add(v128.load(squares + at), square0), square1));
    v128.store(
      causal + at,
      f64x2.add(f64x2.add(v128.load(causal + at), f64x2.mul(weight0, square0)), f64x2.mul(weight1, square1)),
    );
    v128.store(
      fourths + at,
      f64x2.add(f64x2.add(v128.load(fourths + at), f64x2.mul(square0, square0)), f64x2.mul(square1, square1)),
    );
    v128.store(probes + at, f64x2.add(f64x2.add(v128.load(probes + at), f64x2.mul(r0, p0)), f64x2.mul(r1, p1)));
    v128.store(others + at, f64x2.add(f64x2.add(v128.load(others + at), f64x2.mul(s0, p0)), f64x2.mul(s1, p1)));
  }
  if (i == rows) return;
  addRows(column0, i, rows, load<f64>(weights), vectors, vectorStride, squares, causal, fourths, probes, probeStride);
  addRows(column1, i, rows, load<f64>(weights, 8), vectors + 8, vectorStride, squares, causal, fourths, probes, probeStride);
}

/** Adds a column to the sums of its rows, from row `first` on. */
function addRows(
  column: usize,
  first: usize,
  end: usize,
  weight: f64,
  vector: usize,
  vectorStride: usize,
  squares: usize,
  causal: usize,
  fourths: usize,
  probes: usize,
  probeStride: usize,
): void {
  const r = load<f64>(vector);
  const s = load<f64>(vector + vectorStride);
  const others = probes + probeStride;
  for (let i = first; i < end; i++) {
    const at = i << 3;
    const p = <f64>load<f32>(column + (i << 2));
    const square = p * p;
    store<f64>(squares + at, load<f64>(squares + at) + square);
    store<f64>(causal + at, load<f64>(causal + at) + weight * square);
    store<f64>(fourths + at, load<f64>(fourths + at) + square * square);
    store<f64>(probes + at, load<f64>(probes + at) + r * p);
    store<f64>(others + at, load<f64>(others + at) + s * p);
  }
}

/** Stores the sums of a column's powers, its least value and its largest. */
function measureColumn(column: usize, rows: usize, statistics: usize): void {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let squares0 = f64x2.splat(0);
  let squares1 = f64x2.splat(0);
  let cubes0 = f64x2.splat(0);
  let cubes1 = f64x2.splat(0);
  let fourths0 = f64x2.splat(0);
  let fourths1 = f64x2.splat(0);
  let minimum4 = f32x4.splat(Infinity);
  let maximum4 = f32x4.splat(-Infinity);
  let i: usize = 0;
  for (; i + 4 <= rows; i += 4) {
    const p4 = v128.load(column + (i << 2));
    minimum4 = f32x4.pmin(minimum4, p4);
    maximum4 = f32x4.pmax(maximum4, p4);
    const p0 = f64x2.promote_low_f32x4(p4);
    const p1 = low(column + (i << 2) + 8);
    const square0 = f64x2.mul(p0, p0);
    const square1 = f64x2.mul(p1, p1);
    sum0 = f64x2.add(sum0, p0);
    sum1 = f64x2.add(sum1, p1);
    squares0 = f64x2.add(squares0, square0);
    squares1 = f64x2.add(squares1, square1);
    cubes0 = f64x2.add(cubes0, f64x2.mul(square0, p0));
    cubes1 = f64x2.add(cubes1, f64x2.mul(square1, p1));
    fourths0 = f64x2.add(fourths0, f64x2.mul(square0, square0));
    fourths1 = f64x2.add(fourths1, f64x2.mul(square1, square1));
  }
  let sum = horizontal(f64x2.add(sum0, sum1));
  let squares = horizontal(f64x2.add(squares0, squares1));
  let cubes = horizontal(f64x2.add(cubes0, cubes1));
  let fourths = horizontal(f64x2.add(fourths0, fourths1));
  const minimum2 = f32x4.pmin(minimum4, v128.shuffle<f32>(minimum4, minimum4, 2, 3, 0, 1));
  const maximum2 = f32x4.pmax(maximum4, v128.shuffle<f32>(maximum4, maximum4, 2, 3, 0, 1));
  let minimum = min(f32x4.extract_lane(minimum2, 0), f32x4.extract_lane(minimum2, 1));
  let maximum = max(f32x4.extract_lane(maximum2, 0), f32x4.extract_lane(maximum2, 1));
  for (; i < rows; i++) {
    const value = load<f32>(column + (i << 2));
    const p = <f64>value;
    const square = p * p;
    sum += p;
    squares += square;
    cubes += square * p;
    fourths += square * square;
    minimum = min(minimum, value);
    maximum = max(maximum, value);
  }
  store<f64>(statistics, sum);
  store<f64>(statistics, squares, 8);
  store<f64>(statistics, cubes, 16);
  store<f64>(statistics, fourths, 24);
  store<f64>(statistics, <f64>minimum, 32);
  store<f64>(statistics, <f64>maximum, 40);
}
