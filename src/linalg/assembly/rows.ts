// Kernels over rows of a float matrix (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory;
// matrices are row-major unless a name says columns. Sums are accumulated in float64 in a fixed order.

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

// @ts-ignore: decorator
@inline
function low(src: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(src));
}

// @ts-ignore: decorator
@inline
function horizontal(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
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

/** Adds column sums: sums[j] += sum_i x_ij over a float32 [rows, columns] matrix; sums is float64 [columns]. */
export function addColumnSums(src: usize, rows: usize, columns: usize, sums: usize): void {
  // Two rows at a time halve the traffic on the sums.
  let i: usize = 0;
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
 * Centres a float32 [rows, columns] matrix for a covariance, from the column `from` on, which begins a panel: x_ij -
 * mean[j] in float64, stored twice, as panels of `panel` columns. Panel b begins at panels + 8 * rows * panel * b and is
 * [rows, width] row-major; its transpose begins at transposes + the same offset and is [width, rows]. The last panel may
 * be narrower.
 */
export function centreRows(
  src: usize,
  rows: usize,
  columns: usize,
  from: usize,
  mean: usize,
  panel: usize,
  panels: usize,
  transposes: usize,
): void {
  for (let first = from; first < columns; first += panel) {
    const width = min(panel, columns - first);
    const base = (rows * first) << 3;
    for (let i: usize = 0; i < rows; i++) {
      const row = src + ((i * columns + first) << 2);
      const out = panels + base + ((i * width) << 3);
      for (let j: usize = 0; j < width; j++) {
        const x = <f64>load<f32>(row + (j << 2)) - load<f64>(mean + ((first + j) << 3));
        store<f64>(out + (j << 3), x);
      }
    }
    const wholeRows = rows & ~7;
    for (let i: usize = 0; i < wholeRows; i += 8) {
      for (let j: usize = 0; j < width; j++) {
        const from = panels + base + ((i * width + j) << 3);
        const to = transposes + base + ((j * rows + i) << 3);
        for (let k: usize = 0; k < 8; k++) store<f64>(to + (k << 3), load<f64>(from + ((k * width) << 3)));
      }
    }
    for (let i = wholeRows; i < rows; i++) {
      for (let j: usize = 0; j < width; j++) {
        const x = load<f64>(panels + base + ((i * width + j) << 3));
        store<f64>(transposes + base + ((j * rows + i) << 3), x);
      }
    }
  }
}

/**
 * Folds `columns` whole columns of projections (float32, column j at src + j * columnStride, any alignment) into
 * - per row (float64 [rows], added): squares p^2, causal lambda_j p^2, probe p r_j;
 * - per column (float64, stored): sums, sumsOfSquares, minima, maxima.
 * lambda, probeVector, sums, ... point at this block's first column.
 */
export function foldColumns(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  lambda: usize,
  probeVector: usize,
  squares: usize,
  causal: usize,
  probe: usize,
  sums: usize,
  sumsOfSquares: usize,
  minima: usize,
  maxima: usize,
): void {
  for (let j: usize = 0; j < columns; j++) {
    const column = src + j * columnStride;
    const weight = load<f64>(lambda + (j << 3));
    const r = load<f64>(probeVector + (j << 3));
    const weights = f64x2.splat(weight);
    const rs = f64x2.splat(r);
    let sum2 = f64x2.splat(0);
    let sumOfSquares2 = f64x2.splat(0);
    let minimum2 = f64x2.splat(Infinity);
    let maximum2 = f64x2.splat(-Infinity);
    let i: usize = 0;
    for (; i + 2 <= rows; i += 2) {
      const p = low(column + (i << 2));
      const square = f64x2.mul(p, p);
      const at = i << 3;
      sum2 = f64x2.add(sum2, p);
      sumOfSquares2 = f64x2.add(sumOfSquares2, square);
      minimum2 = f64x2.pmin(minimum2, p);
      maximum2 = f64x2.pmax(maximum2, p);
      v128.store(squares + at, f64x2.add(v128.load(squares + at), square));
      v128.store(causal + at, f64x2.add(v128.load(causal + at), f64x2.mul(weights, square)));
      v128.store(probe + at, f64x2.add(v128.load(probe + at), f64x2.mul(rs, p)));
    }
    let sum = horizontal(sum2);
    let sumOfSquares = horizontal(sumOfSquares2);
    let minimum = min(f64x2.extract_lane(minimum2, 0), f64x2.extract_lane(minimum2, 1));
    let maximum = max(f64x2.extract_lane(maximum2, 0), f64x2.extract_lane(maximum2, 1));
    if (i < rows) {
      const p = <f64>load<f32>(column + (i << 2));
      const at = i << 3;
      sum += p;
      sumOfSquares += p * p;
      minimum = min(minimum, p);
      maximum = max(maximum, p);
      store<f64>(squares + at, load<f64>(squares + at) + p * p);
      store<f64>(causal + at, load<f64>(causal + at) + weight * (p * p));
      store<f64>(probe + at, load<f64>(probe + at) + r * p);
    }
    store<f64>(sums + (j << 3), sum);
    store<f64>(sumsOfSquares + (j << 3), sumOfSquares);
    store<f64>(minima + (j << 3), minimum);
    store<f64>(maxima + (j << 3), maximum);
  }
}
