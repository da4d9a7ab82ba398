// The implicit QL method for small symmetric tridiagonal matrices (AssemblyScript, SIMD). Pointers are byte offsets into
// the imported memory, on 16 bytes; everything is float64.

const MAXIMUM_SWEEPS: i32 = 50;
const HALF_EPSILON: f64 = 1.1102230246251565e-16;

/** Magnitude far below what the rounding of a matrix of norm about 1 leaves, far above where squares underflow. */
const NEGLIGIBLE: f64 = 1e-140;

/** Sum of two squares below which it has lost digits to underflow. */
const TINY_SQUARES: f64 = 1e-290;

/** Columns of the vectors that are rotated at once. */
const STRIP: i32 = 8;

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
 * Decomposes (EISPACK's tql2). d: [n], the diagonal, becomes the eigenvalues, ascending; e: [n], the entries beside it, used
 * up; vectors: [n, n], becomes the eigenvectors as columns. rows: scratch, [n, width], width the next multiple of 8 from
 * n on; rotations: scratch, [2 n].
 * @returns -1, or the index of an eigenvalue that did not converge after 50 sweeps
 */
export function implicitQl(
  d: usize,
  e: usize,
  n: i32,
  rows: usize,
  rotations: usize,
  vectors: usize,
): i32 {
  const width = (n + STRIP - 1) & -STRIP;
  memory.fill(rows, 0, <usize>(n * width) << 3);
  for (let i = 0; i < n; i++) put(rows, i * width + i, 1);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && !isNegligible(at(e, m), at(d, m), at(d, m + 1))) m++;
      if (m == l) break;
      if (sweep == MAXIMUM_SWEEPS) return l;
      const end = sweepUp(d, e, l, m, rotations);
      rotate(rows, width, end, m, rotations);
    }
  }
  sortColumns(d, n, rows, width, vectors);
  return -1;
}

/** Writes the eigenvectors as columns by ascending eigenvalue. Rows are used up. */
function sortColumns(d: usize, n: i32, rows: usize, width: i32, vectors: usize): void {
  const row = <usize>width << 3;
  for (let j = 0; j < n; j++) {
    let smallest = j;
    for (let k = j + 1; k < n; k++) if (at(d, k) < at(d, smallest)) smallest = k;
    const chosen = rows + <usize>smallest * row;
    for (let i = 0; i < n; i++) put(vectors, i * n + j, at(chosen, i));
    const value = at(d, smallest);
    put(d, smallest, at(d, j));
    put(d, j, value);
    memory.copy(chosen, rows + <usize>j * row, row);
  }
}

/** Whether an entry is negligible beside its neighbours on the diagonal, or at all in a matrix of norm about 1. */
// @ts-ignore: decorator
@inline
function isNegligible(e: f64, above: f64, below: f64): bool {
  return abs(e) <= HALF_EPSILON * (abs(above) + abs(below)) + NEGLIGIBLE;
}

/**
 * Does one implicit QL sweep with Wilkinson's shift on the unreduced block l..m, and keeps the rotations of rows i and i + 1
 * at rotations[2 i].
 * @returns the smallest i that has a rotation
 */
function sweepUp(d: usize, e: usize, l: i32, m: i32, rotations: usize): i32 {
  let g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l));
  let r = hypotenuse(g, 1);
  g = at(d, m) - at(d, l) + at(e, l) / (g + (g >= 0 ? r : -r));
  let s: f64 = 1;
  let c: f64 = 1;
  let p: f64 = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * at(e, i);
    const b = c * at(e, i);
    r = hypotenuse(f, g);
    put(e, i + 1, r);
    if (r == 0) {
      // The rotation underflowed: the block has split at i + 1.
      put(d, i + 1, at(d, i + 1) - p);
      put(e, m, 0);
      return i + 1;
    }
    s = f / r;
    c = g / r;
    put(rotations, 2 * i, s);
    put(rotations, 2 * i + 1, c);
    g = at(d, i + 1) - p;
    r = (at(d, i) - g) * s + 2 * c * b;
    p = s * r;
    put(d, i + 1, g + p);
    g = c * r - b;
  }
  put(d, l, at(d, l) - p);
  put(e, l, g);
  put(e, m, 0);
  return l;
}

/** Length sqrt(x^2 + y^2). */
// @ts-ignore: decorator
@inline
function hypotenuse(x: f64, y: f64): f64 {
  const squares = x * x + y * y;
  if (squares > TINY_SQUARES && squares < Infinity) return sqrt(squares);
  const larger = max(abs(x), abs(y));
  if (larger == 0) return 0;
  const ratio = min(abs(x), abs(y)) / larger;
  return larger * sqrt(1 + ratio * ratio);
}

/** Applies a sweep's rotations, those of rows l <= i < m, each to rows i and i + 1, from the last to the first. */
function rotate(rows: usize, width: i32, l: i32, m: i32, rotations: usize): void {
  const row = <usize>width << 3;
  const first = rotations + (<usize>l << 4);
  for (let strip: usize = 0; strip < row; strip += STRIP << 3) {
    let at = rows + strip + <usize>m * row;
    let above0 = v128.load(at);
    let above1 = v128.load(at, 16);
    let above2 = v128.load(at, 32);
    let above3 = v128.load(at, 48);
    for (let rotation = rotations + (<usize>(m - 1) << 4); rotation >= first; rotation -= 16) {
      const s = v128.load64_splat(rotation);
      const c = v128.load64_splat(rotation, 8);
      const below = at - row;
      const z0 = v128.load(below);
      const z1 = v128.load(below, 16);
      const z2 = v128.load(below, 32);
      const z3 = v128.load(below, 48);
      v128.store(at, f64x2.add(f64x2.mul(s, z0), f64x2.mul(c, above0)));
      v128.store(at, f64x2.add(f64x2.mul(s, z1), f64x2.mul(c, above1)), 16);
      v128.store(at, f64x2.add(f64x2.mul(s, z2), f64x2.mul(c, above2)), 32);
      v128.store(at, f64x2.add(f64x2.mul(s, z3), f64x2.mul(c, above3)), 48);
      above0 = f64x2.sub(f64x2.mul(c, z0), f64x2.mul(s, above0));
      above1 = f64x2.sub(f64x2.mul(c, z1), f64x2.mul(s, above1));
      above2 = f64x2.sub(f64x2.mul(c, z2), f64x2.mul(s, above2));
      above3 = f64x2.sub(f64x2.mul(c, z3), f64x2.mul(s, above3));
      at = below;
    }
    v128.store(at, above0);
    v128.store(at, above1, 16);
    v128.store(at, above2, 32);
    v128.store(at, above3, 48);
  }
}
