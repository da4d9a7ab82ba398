// Kernels of small dense products (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory, everything
// is float64 and row-major without gaps. Compiled twice: with fused multiply-add (relaxed SIMD) and without.

import { madd } from './shared/lanes';

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

/** Adds to two entries. The terms are summed before: one by one, each would be rounded as the entry is. */
// @ts-ignore: decorator
@inline
function add(out: usize, sum: v128): void {
  v128.store(out, f64x2.add(v128.load(out), sum));
}

/** Adds to 4 x 4 entries of the result. */
function addTile(a: usize, aRow: usize, b: usize, row: usize, inner: i32, out: usize): void {
  const out1 = out + row;
  const out2 = out1 + row;
  const out3 = out2 + row;
  let s00 = f64x2.splat(0);
  let s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0);
  let s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0);
  let s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0);
  let s31 = f64x2.splat(0);
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
  add(out, s00);
  add(out + 16, s01);
  add(out1, s10);
  add(out1 + 16, s11);
  add(out2, s20);
  add(out2 + 16, s21);
  add(out3, s30);
  add(out3 + 16, s31);
}

/** Adds to 1, 2 or 4 neighbours in a row of the result. */
function addStrip(a: usize, b: usize, row: usize, inner: i32, width: i32, out: usize): void {
  const end = a + (<usize>inner << 3);
  let sum0 = f64x2.splat(0);
  if (width == 1) {
    // In both lanes, so that an entry's rounding is the same wherever it lies.
    for (; a < end; a += 8) {
      sum0 = madd(v128.load64_splat(a), v128.load64_splat(b), sum0);
      b += row;
    }
    store<f64>(out, load<f64>(out) + f64x2.extract_lane(sum0, 0));
    return;
  }
  if (width == 2) {
    for (; a < end; a += 8) {
      sum0 = madd(v128.load64_splat(a), v128.load(b), sum0);
      b += row;
    }
  } else {
    let sum1 = f64x2.splat(0);
    for (; a < end; a += 8) {
      const x = v128.load64_splat(a);
      sum0 = madd(x, v128.load(b), sum0);
      sum1 = madd(x, v128.load(b, 16), sum1);
      b += row;
    }
    add(out + 16, sum1);
  }
  add(out, sum0);
}
