// Kernels of small dense products (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory, everything
// is float64 and row-major without gaps. Compiled twice: with fused multiply-add (relaxed SIMD) and without.

/** Computes a b + c, in one rounding or two. */
// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** Multiplies: out = A B. Shapes [rows, inner] x [inner, columns] -> [rows, columns]. */
export function multiply(a: usize, b: usize, rows: i32, inner: i32, columns: i32, out: usize): void {
  memory.fill(out, 0, <usize>(rows * columns) << 3);
  accumulate(a, b, rows, inner, columns, out);
}

/** Accumulates: out += A B. Shapes [rows, inner] x [inner, columns] -> [rows, columns]. */
export function accumulate(a: usize, b: usize, rows: i32, inner: i32, columns: i32, out: usize): void {
  const aRow = <usize>inner << 3;
  const row = <usize>columns << 3;
  for (let j = 0; j < columns; ) {
    const width = columns - j >= 4 ? 4 : columns - j >= 2 ? 2 : 1;
    const from = b + (<usize>j << 3);
    const to = out + (<usize>j << 3);
    let i = 0;
    if (width == 4) {
      for (; i + 4 <= rows; i += 4) addTile(a + <usize>i * aRow, aRow, from, row, inner, to + <usize>i * row);
    }
    for (; i < rows; i++) addStrip(a + <usize>i * aRow, from, row, inner, width, to + <usize>i * row);
    j += width;
  }
}

/** Adds to 4 x 4 entries of the result. */
function addTile(a: usize, aRow: usize, b: usize, row: usize, inner: i32, out: usize): void {
  const out1 = out + row;
  const out2 = out1 + row;
  const out3 = out2 + row;
  let s00 = v128.load(out);
  let s01 = v128.load(out, 16);
  let s10 = v128.load(out1);
  let s11 = v128.load(out1, 16);
  let s20 = v128.load(out2);
  let s21 = v128.load(out2, 16);
  let s30 = v128.load(out3);
  let s31 = v128.load(out3, 16);
  const a1 = a + aRow;
  const a2 = a1 + aRow;
  const a3 = a2 + aRow;
  const end = <usize>inner << 3;
  for (let k: usize = 0; k < end; k += 8) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    b += row;
    const x0 = v128.load64_splat(a + k);
    s00 = madd(x0, b0, s00);
    s01 = madd(x0, b1, s01);
    const x1 = v128.load64_splat(a1 + k);
    s10 = madd(x1, b0, s10);
    s11 = madd(x1, b1, s11);
    const x2 = v128.load64_splat(a2 + k);
    s20 = madd(x2, b0, s20);
    s21 = madd(x2, b1, s21);
    const x3 = v128.load64_splat(a3 + k);
    s30 = madd(x3, b0, s30);
    s31 = madd(x3, b1, s31);
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out1, s10);
  v128.store(out1, s11, 16);
  v128.store(out2, s20);
  v128.store(out2, s21, 16);
  v128.store(out3, s30);
  v128.store(out3, s31, 16);
}

/** Adds to 1, 2 or 4 neighbours in a row of the result. */
function addStrip(a: usize, b: usize, row: usize, inner: i32, width: i32, out: usize): void {
  const end = a + (<usize>inner << 3);
  if (width == 1) {
    // In both lanes, so that an entry's rounding is the same wherever it lies.
    let sum = v128.load64_splat(out);
    for (; a < end; a += 8) {
      sum = madd(v128.load64_splat(a), v128.load64_splat(b), sum);
      b += row;
    }
    v128.store64_lane(out, sum, 0);
    return;
  }
  let sum0 = v128.load(out);
  if (width == 2) {
    for (; a < end; a += 8) {
      sum0 = madd(v128.load64_splat(a), v128.load(b), sum0);
      b += row;
    }
  } else {
    let sum1 = v128.load(out, 16);
    for (; a < end; a += 8) {
      const x = v128.load64_splat(a);
      sum0 = madd(x, v128.load(b), sum0);
      sum1 = madd(x, v128.load(b, 16), sum1);
      b += row;
    }
    v128.store(out, sum1, 16);
  }
  v128.store(out, sum0);
}
