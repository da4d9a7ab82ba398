// Kernels of the Householder tridiagonalisation of a small matrix and of its back-transformation, one column after another
// (AssemblyScript, SIMD). Pointers are byte offsets into the imported memory, on 16 bytes; everything is float64. Compiled
// twice: with fused multiply-add (relaxed SIMD) and without.
//
// `order` is the order n of the matrix, made even. Vectors have `order` entries, matrices rows of as many.

/** Norm below which a column of a matrix of norm about 1 is dropped: its square would lose digits to underflow. */
const NEGLIGIBLE: f64 = 1e-140;

/** Columns of Z that reflectors are applied to at once, and the bytes of a row of so many. */
const STRIP: i32 = 8;
const STRIP_BYTES: usize = <usize>STRIP << 3;

/** Computes a b + c, in one rounding or two. */
// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function horizontal(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

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

/** Dot product over the entries first <= i < order; first is even. */
function dot(x: usize, y: usize, first: i32, order: i32): f64 {
  let sum = f64x2.splat(0);
  for (let q = <usize>first << 3; q < <usize>order << 3; q += 16) {
    sum = madd(v128.load(x + q), v128.load(y + q), sum);
  }
  return horizontal(sum);
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
  const order = (n + 1) & -2;
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
 * Multiplies Z <- Q Z by the Q of `reduce`, whose vectors and taus these are, reflectors in pairs. z: [n, n]; strip: scratch,
 * [order, 8]; products: scratch, [order / 2].
 */
export function applyReflectors(
  vectors: usize,
  taus: usize,
  n: i32,
  z: usize,
  strip: usize,
  products: usize,
): void {
  const order = (n + 1) & -2;
  const row = <usize>order << 3;
  for (let j = 0; j < order; j += 2) {
    const v = vectors + <usize>j * row;
    put(products, j >> 1, dot(v, v + row, j, order));
  }
  const zRow = <usize>n << 3;
  for (let column: usize = 0; column < zRow; column += STRIP_BYTES) {
    const width = min(STRIP_BYTES, zRow - column);
    copyRows(z + column, zRow, strip, STRIP_BYTES, n, width);
    for (let j = order - 2; j >= 0; j -= 2) {
      if (at(taus, j) == 0 && at(taus, j + 1) == 0) continue;
      applyPair(vectors + <usize>j * row, row, at(taus, j), at(taus, j + 1), at(products, j >> 1), j + 1, n, strip);
    }
    copyRows(strip, STRIP_BYTES, z + column, zRow, n, width);
  }
}

/** Copies `width` bytes of each of n rows, at most those of a strip. memory.copy, a call, would take longer. */
function copyRows(from: usize, fromRow: usize, to: usize, toRow: usize, n: i32, width: usize): void {
  for (let i = 0; i < n; i++) {
    if (width == STRIP_BYTES) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
    } else {
      for (let q: usize = 0; q < width; q += 8) store<f64>(to + q, load<f64>(from + q));
    }
    from += fromRow;
    to += toRow;
  }
}

/** Applies two reflectors, the second one first, to the rows first <= i < n of a strip; `product` is that of their vectors. */
function applyPair(
  v: usize,
  row: usize,
  tau0: f64,
  tau1: f64,
  product: f64,
  first: i32,
  n: i32,
  strip: usize,
): void {
  const begin = v + (<usize>first << 3);
  const end = v + (<usize>n << 3);
  const top = strip + <usize>first * STRIP_BYTES;
  let p0 = f64x2.splat(0);
  let p1 = f64x2.splat(0);
  let p2 = f64x2.splat(0);
  let p3 = f64x2.splat(0);
  let q0 = f64x2.splat(0);
  let q1 = f64x2.splat(0);
  let q2 = f64x2.splat(0);
  let q3 = f64x2.splat(0);
  let z = top;
  for (let i = begin; i < end; i += 8) {
    const x = v128.load64_splat(i);
    const y = v128.load64_splat(i + row);
    const z0 = v128.load(z);
    p0 = madd(x, z0, p0);
    q0 = madd(y, z0, q0);
    const z1 = v128.load(z, 16);
    p1 = madd(x, z1, p1);
    q1 = madd(y, z1, q1);
    const z2 = v128.load(z, 32);
    p2 = madd(x, z2, p2);
    q2 = madd(y, z2, q2);
    const z3 = v128.load(z, 48);
    p3 = madd(x, z3, p3);
    q3 = madd(y, z3, q3);
    z += STRIP_BYTES;
  }
  // H0 H1 Z = Z - v1 b - v0 a with b = tau1 v1^T Z and a = tau0 (v0^T Z - (v0 . v1) b); both negated here.
  const minusTau0 = f64x2.splat(-tau0);
  const minusTau1 = f64x2.splat(-tau1);
  const g = f64x2.splat(product);
  q0 = f64x2.mul(minusTau1, q0);
  q1 = f64x2.mul(minusTau1, q1);
  q2 = f64x2.mul(minusTau1, q2);
  q3 = f64x2.mul(minusTau1, q3);
  p0 = f64x2.mul(minusTau0, madd(g, q0, p0));
  p1 = f64x2.mul(minusTau0, madd(g, q1, p1));
  p2 = f64x2.mul(minusTau0, madd(g, q2, p2));
  p3 = f64x2.mul(minusTau0, madd(g, q3, p3));
  // Half the columns at a time: with more factors than eight, some would be kept in memory.
  addPair(begin, end, row, top, p0, p1, q0, q1);
  addPair(begin, end, row, top + STRIP_BYTES / 2, p2, p3, q2, q3);
}

/** Adds v0 p + v1 q to half of a strip's columns. */
// @ts-ignore: decorator
@inline
function addPair(
  begin: usize,
  end: usize,
  row: usize,
  z: usize,
  p0: v128,
  p1: v128,
  q0: v128,
  q1: v128,
): void {
  for (let i = begin; i < end; i += 8) {
    const x = v128.load64_splat(i);
    const y = v128.load64_splat(i + row);
    v128.store(z, madd(x, p0, madd(y, q0, v128.load(z))));
    v128.store(z, madd(x, p1, madd(y, q1, v128.load(z, 16))), 16);
    z += STRIP_BYTES;
  }
}
