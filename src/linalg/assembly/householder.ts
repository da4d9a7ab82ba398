// Kernels of the Householder tridiagonalisation and back-transformation (AssemblyScript, SIMD). Pointers are byte
// offsets into the imported memory, everything is float64, lengths and row indices are multiples of 4. Compiled twice:
// with fused multiply-add (relaxed SIMD) and without.

import { horizontal, madd } from './shared/lanes';

/** Columns of a panel of the packed triangle; see eigh/packed-triangle.ts. */
const PANEL: i32 = 64;
/** Columns of a block; see eigh/tridiagonalisation.ts. */
const BLOCK: i32 = 32;
/** Norm below which a column of a matrix of norm about 1 is dropped: its square would lose digits to underflow. */
const NEGLIGIBLE: f64 = 1e-140;

/** Bytes of a panel's row. */
const ROW_BYTES: usize = <usize>PANEL << 3;

/**
 * Bytes of a vector that a long sum takes in one stretch; the sums of the stretches are added up. Where all terms are
 * alike their rounding errors are too, and one running sum would collect n of them.
 */
const STRETCH: usize = 1024;
/** Rows of a panel that a long sum takes in one stretch. */
const STRETCH_ROWS: i32 = 128;

/** Distance ahead at which a panel's cache lines are touched; memory must go on for as long behind the last panel. */
const AHEAD: usize = 16 * ROW_BYTES;

/** Pair of the horizontal sums of a and b. */
// @ts-ignore: decorator
@inline
function horizontal2(a: v128, b: v128): v128 {
  return f64x2.add(v128.shuffle<f64>(a, b, 0, 2), v128.shuffle<f64>(a, b, 1, 3));
}

/**
 * Adds to y the product of x and the part of a symmetric matrix that one panel holds: its columns, and by symmetry
 * its rows. The panel is [rows, 64] row-major; its first 64 rows, or all where it has fewer, are the (full) diagonal block.
 * x and y point at the entry of the panel's first row. Rows and columns below `first` are left out. scratch: [64].
 */
export function multiplyPanel(
  panel: usize,
  rows: i32,
  first: i32,
  x: usize,
  y: usize,
  scratch: usize,
): void {
  const from = <usize>first << 3;
  const size = min(rows, PANEL);
  const end = <usize>size << 3;
  for (let r = first; r < size; r += 4) {
    const row = panel + <usize>r * ROW_BYTES;
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let sum2 = f64x2.splat(0);
    let sum3 = f64x2.splat(0);
    for (let q = from; q < end; q += 16) {
      const xq = v128.load(x + q);
      sum0 = madd(v128.load(row + q), xq, sum0);
      sum1 = madd(v128.load(row + q, ROW_BYTES), xq, sum1);
      sum2 = madd(v128.load(row + q, 2 * ROW_BYTES), xq, sum2);
      sum3 = madd(v128.load(row + q, 3 * ROW_BYTES), xq, sum3);
    }
    addSums(y + (<usize>r << 3), sum0, sum1, sum2, sum3);
  }
  for (let r = PANEL; r < rows; r += STRETCH_ROWS) {
    memory.fill(scratch, 0, ROW_BYTES);
    multiplyStretch(panel, r, min(r + STRETCH_ROWS, rows), from, x, y, scratch);
    for (let q = from; q < ROW_BYTES; q += 16) {
      v128.store(y + q, f64x2.add(v128.load(y + q), v128.load(scratch + q)));
    }
  }
}

/** Adds the part of rows r <= i < end: by rows to y, by columns to scratch. */
function multiplyStretch(
  panel: usize,
  r: i32,
  end: i32,
  from: usize,
  x: usize,
  y: usize,
  scratch: usize,
): void {
  for (; r < end; r += 4) {
    const row = panel + <usize>r * ROW_BYTES;
    const xr = x + (<usize>r << 3);
    const x0 = v128.load64_splat(xr);
    const x1 = v128.load64_splat(xr, 8);
    const x2 = v128.load64_splat(xr, 16);
    const x3 = v128.load64_splat(xr, 24);
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let sum2 = f64x2.splat(0);
    let sum3 = f64x2.splat(0);
    for (let q = from; q < ROW_BYTES; q += 16) {
      const xq = v128.load(x + q);
      // Touches each cache line before its turn: the hardware's own prefetching reaches half the speed.
      load<u8>(row + (q << 2), AHEAD);
      const a0 = v128.load(row + q);
      sum0 = madd(a0, xq, sum0);
      let terms = madd(a0, x0, v128.load(scratch + q));
      const a1 = v128.load(row + q, ROW_BYTES);
      sum1 = madd(a1, xq, sum1);
      terms = madd(a1, x1, terms);
      const a2 = v128.load(row + q, 2 * ROW_BYTES);
      sum2 = madd(a2, xq, sum2);
      terms = madd(a2, x2, terms);
      const a3 = v128.load(row + q, 3 * ROW_BYTES);
      sum3 = madd(a3, xq, sum3);
      terms = madd(a3, x3, terms);
      v128.store(scratch + q, terms);
    }
    addSums(y + (<usize>r << 3), sum0, sum1, sum2, sum3);
  }
}

// @ts-ignore: decorator
@inline
function addSums(y: usize, sum0: v128, sum1: v128, sum2: v128, sum3: v128): void {
  v128.store(y, f64x2.add(v128.load(y), horizontal2(sum0, sum1)));
  v128.store(y, f64x2.add(v128.load(y, 16), horizontal2(sum2, sum3)), 16);
}

/**
 * Transposes: out[c][i] = panel[i * 64 + column + c], first <= i < rows, for the 32 columns of a block, of a panel [rows, 64]; the
 * rows of out are `stride` bytes apart and out points at the entry of the panel's first row.
 */
export function gatherColumns(
  panel: usize,
  rows: i32,
  first: i32,
  column: i32,
  stride: usize,
  out: usize,
): void {
  for (let i = first; i < rows; i += 2) {
    let from = panel + <usize>i * ROW_BYTES + (<usize>column << 3);
    let to = out + (<usize>i << 3);
    for (let c = 0; c < BLOCK; c += 2) {
      const a = v128.load(from);
      const b = v128.load(from, ROW_BYTES);
      v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
      v128.store(to + stride, v128.shuffle<f64>(a, b, 1, 3));
      from += 16;
      to += 2 * stride;
    }
  }
}

/**
 * Brings column first + k of a matrix of order n up to date with the k columns of its block before it, and makes it the
 * vector v of its reflector, which is zero above the entry after the diagonal one, and one there. vectors: the block's v
 * and below them its w, [64, stride / 8], of which what lies before `first` is zeroed or left out. out: [3], the entry on
 * the diagonal, the one below it as the reflector leaves it, and the reflector's factor tau.
 * @returns whether there is anything to reflect; where there is not, tau, v and w are zero
 */
export function formReflector(vectors: usize, stride: usize, first: i32, k: i32, n: i32, out: usize): bool {
  const length = <i32>(stride >> 3) - first;
  const v0 = vectors + (<usize>first << 3);
  const w0 = v0 + <usize>BLOCK * stride;
  const v = v0 + <usize>k * stride;
  const w = w0 + <usize>k * stride;
  subtractRows(v0, stride, k, w0 + (<usize>k << 3), stride, length, v);
  subtractRows(w0, stride, k, v0 + (<usize>k << 3), stride, length, v);
  const diagonal = v + (<usize>k << 3);
  store<f64>(out, load<f64>(diagonal));
  store<f64>(out, 0, 16);
  // Of the last column nothing is left: behind the matrix there are zeros.
  const alpha = first + k == n - 1 ? 0 : load<f64>(diagonal, 8);
  store<f64>(out, alpha, 8);
  const start = vectors + <usize>k * stride;
  memory.fill(start, 0, <usize>min(first + k + 2, <i32>(stride >> 3)) << 3);
  const norm = sqrt(dot(v, v, length));
  if (norm < NEGLIGIBLE) {
    memory.fill(v, 0, <usize>length << 3);
    memory.fill(w, 0, <usize>length << 3);
    return false;
  }
  const size = sqrt(alpha * alpha + norm * norm);
  const beta = alpha > 0 ? -size : size;
  combine(1 / (alpha - beta), v, 0, v, length, v);
  store<f64>(diagonal, 1, 8);
  store<f64>(out, beta, 8);
  store<f64>(out, (beta - alpha) / beta, 16);
  return true;
}

/**
 * Forms w of the block's column k, whose product of the matrix with v it holds; vectors and tau as formReflector leaves
 * them. dots: scratch, [64].
 */
export function formW(vectors: usize, stride: usize, first: i32, k: i32, tau: f64, dots: usize): void {
  const length = <i32>(stride >> 3) - first;
  const v0 = vectors + (<usize>first << 3);
  const w0 = v0 + <usize>BLOCK * stride;
  const v = v0 + <usize>k * stride;
  const w = w0 + <usize>k * stride;
  dotRows(w0, stride, k, v, length, dots);
  dotRows(v0, stride, k, v, length, dots + (<usize>BLOCK << 3));
  subtractRows(v0, stride, k, dots, 8, length, w);
  subtractRows(w0, stride, k, dots + (<usize>BLOCK << 3), 8, length, w);
  combine(tau, w, (-tau / 2) * tau * dot(w, v, length), v, length, w);
}

/** Dot product sum_i x[i] y[i] over `length` entries. */
function dot(x: usize, y: usize, length: i32): f64 {
  const bytes = <usize>length << 3;
  let sum = f64x2.splat(0);
  for (let first: usize = 0; first < bytes; first += STRETCH) {
    const end = min(first + STRETCH, bytes);
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    for (let i = first; i < end; i += 32) {
      sum0 = madd(v128.load(x + i), v128.load(y + i), sum0);
      sum1 = madd(v128.load(x + i, 16), v128.load(y + i, 16), sum1);
    }
    sum = f64x2.add(sum, f64x2.add(sum0, sum1));
  }
  return horizontal(sum);
}

/** Combines: out[i] = alpha x[i] + beta y[i] over `length` entries; out may be x or y. */
export function combine(alpha: f64, x: usize, beta: f64, y: usize, length: i32, out: usize): void {
  const alphas = f64x2.splat(alpha);
  const betas = f64x2.splat(beta);
  for (let i: usize = 0; i < <usize>length << 3; i += 16) {
    const scaled = f64x2.mul(betas, v128.load(y + i));
    v128.store(out + i, madd(alphas, v128.load(x + i), scaled));
  }
}

/** Dot products out[r] = rows[r] . x for `count` rows of `length` entries, `stride` bytes apart. */
function dotRows(rows: usize, stride: usize, count: i32, x: usize, length: i32, out: usize): void {
  const bytes = <usize>length << 3;
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const row0 = rows + <usize>r * stride;
    const row1 = row0 + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    const to = out + (<usize>r << 3);
    v128.store(to, f64x2.splat(0));
    v128.store(to, f64x2.splat(0), 16);
    for (let first: usize = 0; first < bytes; first += STRETCH) {
      const end = min(first + STRETCH, bytes);
      let sum0 = f64x2.splat(0);
      let sum1 = f64x2.splat(0);
      let sum2 = f64x2.splat(0);
      let sum3 = f64x2.splat(0);
      for (let i = first; i < end; i += 16) {
        const xi = v128.load(x + i);
        sum0 = madd(v128.load(row0 + i), xi, sum0);
        sum1 = madd(v128.load(row1 + i), xi, sum1);
        sum2 = madd(v128.load(row2 + i), xi, sum2);
        sum3 = madd(v128.load(row3 + i), xi, sum3);
      }
      addSums(to, sum0, sum1, sum2, sum3);
    }
  }
  for (; r < count; r++) store<f64>(out + (<usize>r << 3), dot(rows + <usize>r * stride, x, length));
}

/** Subtracts: y[i] -= sum_r coefficients[r * step] rows[r][i], for `count` rows of `length` entries, `stride` apart. */
function subtractRows(
  rows: usize,
  stride: usize,
  count: i32,
  coefficients: usize,
  step: usize,
  length: i32,
  y: usize,
): void {
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const row0 = rows + <usize>r * stride;
    const row1 = row0 + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    const at = coefficients + <usize>r * step;
    const c0 = f64x2.splat(-load<f64>(at));
    const c1 = f64x2.splat(-load<f64>(at + step));
    const c2 = f64x2.splat(-load<f64>(at + 2 * step));
    const c3 = f64x2.splat(-load<f64>(at + 3 * step));
    for (let i: usize = 0; i < <usize>length << 3; i += 16) {
      const sum = madd(v128.load(row1 + i), c1, madd(v128.load(row0 + i), c0, v128.load(y + i)));
      v128.store(y + i, madd(v128.load(row3 + i), c3, madd(v128.load(row2 + i), c2, sum)));
    }
  }
  for (; r < count; r++) {
    combine(-load<f64>(coefficients + <usize>r * step), rows + <usize>r * stride, 1, y, length, y);
  }
}

/** Negates and transposes: out[i * width + r] = -rows[r][i] for `count` rows of `length` entries, `stride` apart. */
export function negateTransposed(
  rows: usize,
  stride: usize,
  count: i32,
  length: i32,
  width: i32,
  out: usize,
): void {
  const outRow = <usize>width << 3;
  for (let r = 0; r < count; r += 4) {
    const row0 = rows + <usize>r * stride;
    const row1 = row0 + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    let to = out + (<usize>r << 3);
    for (let i: usize = 0; i < <usize>length << 3; i += 16) {
      const a = f64x2.neg(v128.load(row0 + i));
      const b = f64x2.neg(v128.load(row1 + i));
      const c = f64x2.neg(v128.load(row2 + i));
      const d = f64x2.neg(v128.load(row3 + i));
      v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
      v128.store(to, v128.shuffle<f64>(c, d, 0, 2), 16);
      v128.store(to + outRow, v128.shuffle<f64>(a, b, 1, 3));
      v128.store(to + outRow, v128.shuffle<f64>(c, d, 1, 3), 16);
      to += 2 * outRow;
    }
  }
}

/** Copies: out[r * 64 + i] = rows[r][i], i < 64, for `count` rows `stride` bytes apart. */
export function copyBlock(rows: usize, stride: usize, count: i32, out: usize): void {
  for (let r = 0; r < count; r++) {
    memory.copy(out + <usize>r * ROW_BYTES, rows + <usize>r * stride, ROW_BYTES);
  }
}

/**
 * Gram matrix of `count` rows of `length` entries, `stride` bytes apart: out[j * count + i] = rows[i] . rows[j]
 * for i < j (and some more). count is even.
 */
export function gram(rows: usize, stride: usize, count: i32, length: i32, out: usize): void {
  for (let j = 0; j < count; j += 2) {
    const to = out + ((<usize>j * <usize>count) << 3);
    const row = rows + <usize>j * stride;
    let i = 0;
    for (; i + 4 <= j; i += 4) {
      dotPairs(rows + <usize>i * stride, stride, row, length, to + (<usize>i << 3), <usize>count << 3);
    }
    for (; i <= j; i++) {
      const other = rows + <usize>i * stride;
      store<f64>(to + (<usize>i << 3), dot(other, row, length));
      store<f64>(to + (<usize>(count + i) << 3), dot(other, row + stride, length));
    }
  }
}

/** Dot products of four rows: out[i] = rows[i] . x and, outStride bytes on, rows[i] . (the row after x). */
function dotPairs(rows: usize, stride: usize, x: usize, length: i32, out: usize, outStride: usize): void {
  const bytes = <usize>length << 3;
  const row1 = rows + stride;
  const row2 = row1 + stride;
  const row3 = row2 + stride;
  const y = x + stride;
  v128.store(out, f64x2.splat(0));
  v128.store(out, f64x2.splat(0), 16);
  v128.store(out + outStride, f64x2.splat(0));
  v128.store(out + outStride, f64x2.splat(0), 16);
  for (let first: usize = 0; first < bytes; first += STRETCH) {
    const end = min(first + STRETCH, bytes);
    let x0 = f64x2.splat(0);
    let x1 = f64x2.splat(0);
    let x2 = f64x2.splat(0);
    let x3 = f64x2.splat(0);
    let y0 = f64x2.splat(0);
    let y1 = f64x2.splat(0);
    let y2 = f64x2.splat(0);
    let y3 = f64x2.splat(0);
    for (let q = first; q < end; q += 16) {
      const xq = v128.load(x + q);
      const yq = v128.load(y + q);
      const r0 = v128.load(rows + q);
      x0 = madd(r0, xq, x0);
      y0 = madd(r0, yq, y0);
      const r1 = v128.load(row1 + q);
      x1 = madd(r1, xq, x1);
      y1 = madd(r1, yq, y1);
      const r2 = v128.load(row2 + q);
      x2 = madd(r2, xq, x2);
      y2 = madd(r2, yq, y2);
      const r3 = v128.load(row3 + q);
      x3 = madd(r3, xq, x3);
      y3 = madd(r3, yq, y3);
    }
    addSums(out, x0, x1, x2, x3);
    addSums(out + outStride, y0, y1, y2, y3);
  }
}

/**
 * Factor T of the compact WY form, [count, count] upper triangular, of zeros; from the Gram matrix as `gram` gives it
 * and the scalars tau, [count].
 */
export function triangularFactor(gram: usize, taus: usize, count: i32, t: usize): void {
  const rowBytes = <usize>count << 3;
  for (let j: usize = 0; j < rowBytes; j += 8) {
    const tau = load<f64>(taus + j);
    const g = gram + (j >> 3) * rowBytes;
    for (let i: usize = 0; i < j; i += 8) {
      const row = t + (i >> 3) * rowBytes;
      let sums = f64x2.splat(0);
      let l = i;
      for (; l + 16 <= j; l += 16) sums = madd(v128.load(row + l), v128.load(g + l), sums);
      let sum = horizontal(sums);
      if (l < j) sum += load<f64>(row + l) * load<f64>(g + l);
      store<f64>(row + j, -tau * sum);
    }
    store<f64>(t + (j >> 3) * rowBytes + j, tau);
  }
}
