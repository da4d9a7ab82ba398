// Kernels of the Householder tridiagonalisation of a small matrix and of its back-transformation, one column after another
// (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory, on 16 bytes; everything is float64. Compiled
// twice: with fused multiply-add (relaxed SIMD) and without.
//
// `order` is the order n of the matrix, made a multiple of 4. Vectors have `order` entries, matrices rows of as many.

import { horizontal, madd } from './shared/lanes';

/** Norm below which a column of a matrix of norm about 1 is dropped: its square would lose digits to underflow. */
const NEGLIGIBLE: f64 = 1e-140;

/** Reflectors that are applied at once. */
const GROUP: i32 = 4;
/** Products of the vectors of a group. */
const PAIRS: i32 = 6;
/** Rows that a long sum takes in one stretch, for the reason that `dot` gives. */
const STRETCH: i32 = 64;
/** Bytes of a row of the 4 columns of Z that reflectors are applied to at once. */
const STRIP_BYTES: usize = 32;

// @ts-ignore: decorator
@inline
function at(vector: usize, i: i32): f64 {
  return load<f64>(vector + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function put(vector: usize, i: i32, value: f64): void {
  store<f64>(vector + (<usize>i << 3), value);
}

/**
 * Dot product over the entries first <= i < order; first is even. In eight sums: where all terms are alike their rounding
 * errors are too, and one running sum would collect them.
 */
function dot(x: usize, y: usize, first: i32, order: i32): f64 {
  const end = <usize>order << 3;
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  let q = <usize>first << 3;
  for (; q + 64 <= end; q += 64) {
    sum0 = madd(v128.load(x + q), v128.load(y + q), sum0);
    sum1 = madd(v128.load(x + q, 16), v128.load(y + q, 16), sum1);
    sum2 = madd(v128.load(x + q, 32), v128.load(y + q, 32), sum2);
    sum3 = madd(v128.load(x + q, 48), v128.load(y + q, 48), sum3);
  }
  for (; q < end; q += 16) sum0 = madd(v128.load(x + q), v128.load(y + q), sum0);
  return horizontal(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
}

/**
 * Reduces a symmetric matrix of norm about 1 to tridiagonal form, A = Q T Q^T with Q = H_0 H_1 ... H_n-2 and
 * H_j = I - tau_j v_j v_j^T, v_j zero up to entry j and one at entry j + 1. a: [order, order], overwritten, of which the upper
 * triangle and the 2 x 2 blocks on the diagonal are read, with zeros beyond n. diagonal, offDiagonal, taus: [order]. vectors:
 * [order, order], becomes the v_j as rows. work: scratch, [2 order].
 */
export function reduce(
  a: usize,
  n: i32,
  diagonal: usize,
  offDiagonal: usize,
  taus: usize,
  vectors: usize,
  work: usize,
): void {
  const order = (n + 3) & -4;
  const row = <usize>order << 3;
  memory.fill(vectors, 0, <usize>order * row);
  memory.fill(taus, 0, row);
  memory.fill(work, 0, 2 * row);
  // v and w of the column before, by which the matrix is not updated yet.
  let v = vectors;
  let w = work;
  for (let j = 0; j < n; j++) {
    const column = a + <usize>j * row;
    subtractRankTwo(column, at(v, j), at(w, j), v, w, j & -2, order);
    put(diagonal, j, at(column, j));
    if (j == n - 1) return;
    const next = vectors + <usize>j * row;
    const tau = formReflector(column, j, order, next, offDiagonal);
    put(taus, j, tau);
    const y = w == work ? work + row : work;
    const first = (j + 1) & -2;
    updateAndMultiply(a, order, first, v, w, next, y);
    const half = (-tau / 2) * tau * dot(y, next, first, order);
    const halves = f64x2.splat(half);
    const scale = f64x2.splat(tau);
    for (let q = <usize>first << 3; q < row; q += 16) {
      const scaled = f64x2.mul(scale, v128.load(y + q));
      v128.store(y + q, madd(halves, v128.load(next + q), scaled));
    }
    v = next;
    w = y;
  }
}

/** Subtracts from a row of the matrix: row -= vj w + wj v, from entry `first` on, which is even. */
// @ts-ignore: decorator
@inline
function subtractRankTwo(out: usize, vj: f64, wj: f64, v: usize, w: usize, first: i32, order: i32): void {
  const minusV = f64x2.splat(-vj);
  const minusW = f64x2.splat(-wj);
  for (let q = <usize>first << 3; q < <usize>order << 3; q += 16) {
    const sum = madd(minusV, v128.load(w + q), v128.load(out + q));
    v128.store(out + q, madd(minusW, v128.load(v + q), sum));
  }
}

/**
 * Forms v_j, in a vector of zeros, and the entry of T beside the diagonal from column j of the matrix.
 * @returns tau_j; zero, with a v_j of zeros, where there is nothing to reflect
 */
function formReflector(column: usize, j: i32, order: i32, v: usize, offDiagonal: usize): f64 {
  const alpha = at(column, j + 1);
  put(offDiagonal, j, alpha);
  const rest = j + 2;
  memory.copy(v + (<usize>rest << 3), column + (<usize>rest << 3), <usize>(order - rest) << 3);
  const norm = sqrt(dot(v, v, rest & -2, order));
  if (norm < NEGLIGIBLE) {
    memory.fill(v, 0, <usize>order << 3);
    return 0;
  }
  const size = sqrt(alpha * alpha + norm * norm);
  const beta = alpha > 0 ? -size : size;
  const scale = f64x2.splat(1 / (alpha - beta));
  for (let q = <usize>(rest & -2) << 3; q < <usize>order << 3; q += 16) {
    v128.store(v + q, f64x2.mul(scale, v128.load(v + q)));
  }
  put(v, j + 1, 1);
  put(offDiagonal, j, beta);
  return (beta - alpha) / beta;
}

/**
 * Updates A -= v w^T + w v^T and multiplies y = A x, reading A once, for the rows and columns from `first` on, which is even.
 */
function updateAndMultiply(
  a: usize,
  order: i32,
  first: i32,
  v: usize,
  w: usize,
  x: usize,
  y: usize,
): void {
  const row = <usize>order << 3;
  const start = <usize>first << 3;
  memory.fill(y + start, 0, row - start);
  let upper = a + <usize>first * row;
  for (let r = start; r < row; r += 16) {
    const lower = upper + row;
    const v0 = f64x2.neg(v128.load64_splat(v + r));
    const v1 = f64x2.neg(v128.load64_splat(v + r, 8));
    const w0 = f64x2.neg(v128.load64_splat(w + r));
    const w1 = f64x2.neg(v128.load64_splat(w + r, 8));
    const x0 = v128.load64_splat(x + r);
    const x1 = v128.load64_splat(x + r, 8);
    // The block on the diagonal, which is there in full.
    let vq = v128.load(v + r);
    let wq = v128.load(w + r);
    let xq = v128.load(x + r);
    let a0 = madd(w0, vq, madd(v0, wq, v128.load(upper + r)));
    let a1 = madd(w1, vq, madd(v1, wq, v128.load(lower + r)));
    v128.store(upper + r, a0);
    v128.store(lower + r, a1);
    let sum0 = f64x2.mul(a0, xq);
    let sum1 = f64x2.mul(a1, xq);
    for (let q = r + 16; q < row; q += 16) {
      vq = v128.load(v + q);
      wq = v128.load(w + q);
      xq = v128.load(x + q);
      a0 = madd(w0, vq, madd(v0, wq, v128.load(upper + q)));
      v128.store(upper + q, a0);
      sum0 = madd(a0, xq, sum0);
      a1 = madd(w1, vq, madd(v1, wq, v128.load(lower + q)));
      v128.store(lower + q, a1);
      sum1 = madd(a1, xq, sum1);
      v128.store(y + q, madd(a1, x1, madd(a0, x0, v128.load(y + q))));
    }
    const sums = f64x2.add(v128.shuffle<f64>(sum0, sum1, 0, 2), v128.shuffle<f64>(sum0, sum1, 1, 3));
    v128.store(y + r, f64x2.add(v128.load(y + r), sums));
    upper = lower + row;
  }
}

/**
 * Multiplies Z <- Q Z by the Q of `reduce`, whose vectors and taus these are, reflectors in fours. z: [n, n]; strip: scratch,
 * [order + 4, 4]; products: scratch, [order / 4, 6].
 */
export function applyReflectors(
  vectors: usize,
  taus: usize,
  n: i32,
  z: usize,
  strip: usize,
  products: usize,
): void {
  const order = (n + 3) & -4;
  const row = <usize>order << 3;
  for (let j = 0; j < order; j += GROUP) {
    multiplyPairs(vectors + <usize>j * row, row, j, order, products + <usize>((j >> 2) * PAIRS << 3));
  }
  const zRow = <usize>n << 3;
  for (let column: usize = 0; column < zRow; column += STRIP_BYTES) {
    const width = min(STRIP_BYTES, zRow - column);
    // What lies beyond Z meets zeros, and must be finite.
    memory.fill(strip, 0, <usize>order * STRIP_BYTES);
    copyRows(z + column, zRow, strip, STRIP_BYTES, n, width);
    for (let j = order - GROUP; j >= 0; j -= GROUP) {
      const factors = strip + <usize>order * STRIP_BYTES;
      memory.fill(factors, 0, GROUP * STRIP_BYTES);
      for (let i = j; i < order; i += STRETCH) {
        projectStrip(vectors + <usize>j * row, row, i, min(i + STRETCH, order), strip, factors);
      }
      solveFactors(taus + (<usize>j << 3), products + <usize>((j >> 2) * PAIRS << 3), factors);
      updateStrip(vectors + <usize>j * row, row, j, order, strip, factors);
    }
    copyRows(strip, STRIP_BYTES, z + column, zRow, n, width);
  }
}

/** Products of each two of four vectors: 01, 02, 03, 12, 13, 23. */
function multiplyPairs(v: usize, row: usize, first: i32, order: i32, out: usize): void {
  for (let i = 0; i < GROUP - 1; i++) {
    for (let k = i + 1; k < GROUP; k++) {
      store<f64>(out, dot(v + <usize>i * row, v + <usize>k * row, first, order));
      out += 8;
    }
  }
}

/** Copies `width` bytes of each of n rows, at most those of a strip. memory.copy, a call, would take longer. */
function copyRows(from: usize, fromRow: usize, to: usize, toRow: usize, n: i32, width: usize): void {
  for (let i = 0; i < n; i++) {
    if (width == STRIP_BYTES) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    } else {
      for (let q: usize = 0; q < width; q += 8) store<f64>(to + q, load<f64>(from + q));
    }
    from += fromRow;
    to += toRow;
  }
}

/** Projects: out += V Z for four vectors as rows, over the rows first <= i < last of a strip. out: [4, 4]. */
function projectStrip(v: usize, row: usize, first: i32, last: i32, strip: usize, out: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = f64x2.splat(0);
  let b0 = f64x2.splat(0);
  let b1 = f64x2.splat(0);
  let c0 = f64x2.splat(0);
  let c1 = f64x2.splat(0);
  let d0 = f64x2.splat(0);
  let d1 = f64x2.splat(0);
  const end = v + (<usize>last << 3);
  const row2 = row << 1;
  let z = strip + <usize>first * STRIP_BYTES;
  for (let i = v + (<usize>first << 3); i < end; i += 8) {
    const z0 = v128.load(z);
    const z1 = v128.load(z, 16);
    const a = v128.load64_splat(i);
    a0 = madd(a, z0, a0);
    a1 = madd(a, z1, a1);
    const b = v128.load64_splat(i + row);
    b0 = madd(b, z0, b0);
    b1 = madd(b, z1, b1);
    const c = v128.load64_splat(i + row2);
    c0 = madd(c, z0, c0);
    c1 = madd(c, z1, c1);
    const d = v128.load64_splat(i + row2 + row);
    d0 = madd(d, z0, d0);
    d1 = madd(d, z1, d1);
    z += STRIP_BYTES;
  }
  v128.store(out, f64x2.add(a0, v128.load(out)));
  v128.store(out, f64x2.add(a1, v128.load(out, 16)), 16);
  v128.store(out, f64x2.add(b0, v128.load(out, 32)), 32);
  v128.store(out, f64x2.add(b1, v128.load(out, 48)), 48);
  v128.store(out, f64x2.add(c0, v128.load(out, 64)), 64);
  v128.store(out, f64x2.add(c1, v128.load(out, 80)), 80);
  v128.store(out, f64x2.add(d0, v128.load(out, 96)), 96);
  v128.store(out, f64x2.add(d1, v128.load(out, 112)), 112);
}

/**
 * Turns the projections p on four vectors into the factors, negated, by which the vectors are added to Z. The last reflector
 * is applied first: f_k = tau_k (p_k - sum of (v_k . v_l) f_l over l > k).
 */
function solveFactors(taus: usize, products: usize, p: usize): void {
  let product = products + <usize>(PAIRS << 3);
  for (let k = GROUP - 1; k >= 0; k--) {
    const own = p + <usize>k * STRIP_BYTES;
    product -= <usize>(GROUP - 1 - k) << 3;
    let left = v128.load(own);
    let right = v128.load(own, 16);
    for (let l = k + 1; l < GROUP; l++) {
      const g = v128.load64_splat(product + (<usize>(l - k - 1) << 3));
      const other = p + <usize>l * STRIP_BYTES;
      left = madd(g, v128.load(other), left);
      right = madd(g, v128.load(other, 16), right);
    }
    const minusTau = f64x2.splat(-at(taus, k));
    v128.store(own, f64x2.mul(minusTau, left));
    v128.store(own, f64x2.mul(minusTau, right), 16);
  }
}

/** Adds to the rows first <= i < order of a strip the four vectors times their factors, [4, 4]; four rows at a time. */
function updateStrip(v: usize, row: usize, first: i32, order: i32, strip: usize, factors: usize): void {
  const end = v + (<usize>order << 3);
  const factorsEnd = factors + GROUP * STRIP_BYTES;
  let z = strip + <usize>first * STRIP_BYTES;
  for (let i = v + (<usize>first << 3); i < end; i += 32) {
    let s00 = v128.load(z);
    let s01 = v128.load(z, 16);
    let s10 = v128.load(z, 32);
    let s11 = v128.load(z, 48);
    let s20 = v128.load(z, 64);
    let s21 = v128.load(z, 80);
    let s30 = v128.load(z, 96);
    let s31 = v128.load(z, 112);
    let x = i;
    for (let f = factors; f < factorsEnd; f += STRIP_BYTES) {
      const f0 = v128.load(f);
      const f1 = v128.load(f, 16);
      const x0 = v128.load64_splat(x);
      s00 = madd(x0, f0, s00);
      s01 = madd(x0, f1, s01);
      const x1 = v128.load64_splat(x, 8);
      s10 = madd(x1, f0, s10);
      s11 = madd(x1, f1, s11);
      const x2 = v128.load64_splat(x, 16);
      s20 = madd(x2, f0, s20);
      s21 = madd(x2, f1, s21);
      const x3 = v128.load64_splat(x, 24);
      s30 = madd(x3, f0, s30);
      s31 = madd(x3, f1, s31);
      x += row;
    }
    v128.store(z, s00);
    v128.store(z, s01, 16);
    v128.store(z, s10, 32);
    v128.store(z, s11, 48);
    v128.store(z, s20, 64);
    v128.store(z, s21, 80);
    v128.store(z, s30, 96);
    v128.store(z, s31, 112);
    z += GROUP * STRIP_BYTES;
  }
}
