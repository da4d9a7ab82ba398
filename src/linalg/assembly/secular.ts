// Kernels of the divide and conquer's secular equation (AssemblyScript, SIMD). Pointers are byte offsets into the
// imported memory; vectors are float64 [count] and start on 16 bytes, so that they may be read in pairs.
//
// The equation of a merge is f(lambda) = 1/rho + sum_i z_i^2 / (d_i - lambda) = 0 with d strictly ascending. Root j
// lies between d_j and d_j+1 (the last: beyond d_count-1) and is held as the pole next to it plus an offset, so that
// every difference d_i - lambda_j = (d_i - pole_j) - offset_j comes out with a small relative error. That is what
// makes the vectors of Gu and Eisenstat orthogonal: https://doi.org/10.1137/S0895479892242232

const MAXIMUM_ITERATIONS: i32 = 100;
const EPSILON: f64 = 2.220446049250313e-16;

// Results of the evaluation at one offset: the sums over poles up to the split (psi) and after it (phi), and their
// derivatives.
let psi: f64 = 0;
let psiSlope: f64 = 0;
let phi: f64 = 0;
let phiSlope: f64 = 0;

let sum: f64 = 0;
let slope: f64 = 0;

/** Sets sum = sum_i squares_i / (d_i - pole - offset) and slope = its derivative, over first <= i < end. */
function sumTerms(d: usize, squares: usize, first: i32, end: i32, pole: f64, offset: f64): void {
  let i = first;
  sum = 0;
  slope = 0;
  if (i & 1 && i < end) {
    addTerm(d, squares, i, pole, offset);
    i++;
  }
  const poles = f64x2.splat(pole);
  const offsets = f64x2.splat(offset);
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let slope0 = f64x2.splat(0);
  let slope1 = f64x2.splat(0);
  for (; i + 4 <= end; i += 4) {
    const at = <usize>i << 3;
    const delta0 = f64x2.sub(f64x2.sub(v128.load(d + at), poles), offsets);
    const delta1 = f64x2.sub(f64x2.sub(v128.load(d + at, 16), poles), offsets);
    const inverse0 = f64x2.div(f64x2.splat(1), delta0);
    const inverse1 = f64x2.div(f64x2.splat(1), delta1);
    const term0 = f64x2.mul(v128.load(squares + at), inverse0);
    const term1 = f64x2.mul(v128.load(squares + at, 16), inverse1);
    sum0 = f64x2.add(sum0, term0);
    sum1 = f64x2.add(sum1, term1);
    slope0 = f64x2.add(slope0, f64x2.mul(term0, inverse0));
    slope1 = f64x2.add(slope1, f64x2.mul(term1, inverse1));
  }
  for (; i < end; i++) addTerm(d, squares, i, pole, offset);
  sum0 = f64x2.add(sum0, sum1);
  slope0 = f64x2.add(slope0, slope1);
  sum += f64x2.extract_lane(sum0, 0) + f64x2.extract_lane(sum0, 1);
  slope += f64x2.extract_lane(slope0, 0) + f64x2.extract_lane(slope0, 1);
}

// @ts-ignore: decorator
@inline
function addTerm(d: usize, squares: usize, i: i32, pole: f64, offset: f64): void {
  const inverse = 1 / (at(d, i) - pole - offset);
  const term = at(squares, i) * inverse;
  sum += term;
  slope += term * inverse;
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

function evaluate(d: usize, squares: usize, count: i32, split: i32, pole: f64, offset: f64): void {
  sumTerms(d, squares, 0, split, pole, offset);
  psi = sum;
  psiSlope = slope;
  sumTerms(d, squares, split, count, pole, offset);
  phi = sum;
  phiSlope = slope;
}

/**
 * Finds all roots. squares: z_i^2. Writes poles[j], the value d_i of the pole nearest to the root, and offsets[j],
 * the root's distance from it.
 * @returns -1, or the index of a root that did not converge after 100 iterations
 */
export function findRoots(
  d: usize,
  squares: usize,
  count: i32,
  rho: f64,
  poles: usize,
  offsets: usize,
): i32 {
  for (let j = 0; j < count; j++) {
    if (!findRoot(d, squares, count, rho, j, poles, offsets)) return j;
  }
  return -1;
}

function findRoot(
  d: usize,
  squares: usize,
  count: i32,
  rho: f64,
  j: i32,
  poles: usize,
  offsets: usize,
): bool {
  const rhoInverse = 1 / rho;
  const last = j == count - 1;
  if (count == 1) {
    put(poles, 0, at(d, 0));
    put(offsets, 0, rho * at(squares, 0));
    return true;
  }
  // The two poles that the interpolation keeps exact: the root's neighbours; of the last root the two below it.
  const left = last ? j - 1 : j;
  const right = left + 1;
  const split = right;

  // The sign of f in the middle of the interval says which end is the nearer pole.
  let low: f64;
  let high: f64;
  let pole = at(d, j);
  let offset: f64;
  const gap = at(d, right) - at(d, left);
  if (last) {
    low = 0;
    high = rho;
    offset = rho / 2;
    evaluate(d, squares, count, split, pole, offset);
    const f = rhoInverse + psi + phi;
    if (f <= 0) low = offset;
    else high = offset;
  } else {
    offset = gap / 2;
    evaluate(d, squares, count, split, pole, offset);
    const f = rhoInverse + psi + phi;
    if (f >= 0) {
      low = 0;
      high = offset;
    } else {
      pole = at(d, right);
      low = -offset;
      high = 0;
      offset = -offset;
    }
  }

  for (let iteration = 0; iteration < MAXIMUM_ITERATIONS; iteration++) {
    if (iteration > 0) evaluate(d, squares, count, split, pole, offset);
    const f = rhoInverse + psi + phi;
    const fSlope = psiSlope + phiSlope;
    // What rounding leaves of f: of its terms, and of the offset.
    const noise = EPSILON * (8 * (abs(psi) + abs(phi)) + rhoInverse + abs(offset) * fSlope);
    if (abs(f) <= noise) break;
    if (f < 0) low = max(low, offset);
    else high = min(high, offset);

    const deltaLeft = at(d, left) - pole - offset;
    const deltaRight = at(d, right) - pole - offset;
    let next = offset + step(f, fSlope, deltaLeft, deltaRight, last);
    if (!(next > low && next < high)) next = middle(low, high);
    if (next == offset || !(next > low && next < high)) break;
    offset = next;
    if (iteration == MAXIMUM_ITERATIONS - 1) return false;
  }
  put(poles, j, pole);
  put(offsets, j, offset);
  return true;
}

/**
 * Step to the zero of c + s / (left - x) + S / (right - x), which has the values and slopes of psi and phi here:
 * Li's middle way, https://www.netlib.org/lapack/lawnspdf/lawn89.pdf. Of the last root both poles are below.
 */
// @ts-ignore: decorator
@inline
function step(f: f64, fSlope: f64, deltaLeft: f64, deltaRight: f64, last: bool): f64 {
  let c = f - deltaLeft * psiSlope - deltaRight * phiSlope;
  const a = (deltaLeft + deltaRight) * f - deltaLeft * deltaRight * fSlope;
  const b = deltaLeft * deltaRight * f;
  if (last) c = abs(c);
  const root = sqrt(abs(a * a - 4 * b * c));
  let eta: f64;
  if (last) eta = a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
  else eta = a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
  // f ascends, so a step must go against its sign; rounding can break that, Newton's step cannot.
  return f * eta < 0 ? eta : -f / fSlope;
}

/** Middle of two bounds; the geometric one where they differ much and have one sign, which finds the exponent first. */
// @ts-ignore: decorator
@inline
function middle(low: f64, high: f64): f64 {
  if (low > 0 && high > 4 * low) return sqrt(low) * sqrt(high);
  if (high < 0 && low < 4 * high) return -sqrt(-low) * sqrt(-high);
  if (low == 0) return high / 64;
  if (high == 0) return low / 64;
  return low + (high - low) / 2;
}

/** Fits weights[i], the z of which the computed roots are the exact ones (Loewner's formula), with the sign of z[i]. */
export function fitWeights(
  d: usize,
  z: usize,
  poles: usize,
  offsets: usize,
  count: i32,
  weights: usize,
): void {
  for (let i = 0; i < count; i++) {
    const di = at(d, i);
    const dis = f64x2.splat(di);
    let products = f64x2.splat(1);
    let j = 0;
    // Roots below i pair with their own poles, roots from i on with the pole above: each ratio is near 1 and the
    // product cannot overflow. The last root has no pole left and enters alone.
    for (; j + 2 <= i; j += 2) products = f64x2.mul(products, ratios(d, poles, offsets, dis, j, 0));
    let product = f64x2.extract_lane(products, 0) * f64x2.extract_lane(products, 1);
    for (; j < i; j++) product *= (di - at(poles, j) - at(offsets, j)) / (di - at(d, j));
    products = f64x2.splat(1);
    for (; j + 2 <= count - 1; j += 2) products = f64x2.mul(products, ratios(d, poles, offsets, dis, j, 8));
    product *= f64x2.extract_lane(products, 0) * f64x2.extract_lane(products, 1);
    for (; j < count - 1; j++) product *= (di - at(poles, j) - at(offsets, j)) / (di - at(d, j + 1));
    product *= at(poles, count - 1) - di + at(offsets, count - 1);
    put(weights, i, copysign(sqrt(abs(product)), at(z, i)));
  }
}

/** Ratios (d_i - lambda_j) / (d_i - d_j) for j and j + 1, the pole `shift` bytes further on. */
// @ts-ignore: decorator
@inline
function ratios(d: usize, poles: usize, offsets: usize, di: v128, j: i32, shift: usize): v128 {
  const at = <usize>j << 3;
  const above = f64x2.sub(f64x2.sub(di, v128.load(poles + at)), v128.load(offsets + at));
  return f64x2.div(above, f64x2.sub(di, v128.load(d + at + shift)));
}

/** Inverts norms: inverseNorms[j] = 1 / ||s_j|| with s_ij = weights_i / (d_i - lambda_j). */
export function invertNorms(
  d: usize,
  weights: usize,
  poles: usize,
  offsets: usize,
  count: i32,
  inverseNorms: usize,
): void {
  for (let j = 0; j < count; j += 2) {
    const at = <usize>j << 3;
    const pole = v128.load(poles + at);
    const offset = v128.load(offsets + at);
    let squares = f64x2.splat(0);
    for (let i: usize = 0; i < <usize>count << 3; i += 8) {
      const delta = f64x2.sub(f64x2.sub(v128.load64_splat(d + i), pole), offset);
      const entry = f64x2.div(v128.load64_splat(weights + i), delta);
      squares = f64x2.add(squares, f64x2.mul(entry, entry));
    }
    v128.store(inverseNorms + at, f64x2.div(f64x2.splat(1), f64x2.sqrt(squares)));
  }
}

/**
 * Forms some of the merge's eigenvectors as the columns of out, [count, columns] row-major: row r is that of pole order[r]
 * (int32 [count]), out_rj = weights_i / (d_i - lambda_j) * inverseNorms_j, i = order[r]. poles, offsets and inverseNorms
 * begin at the first of these columns.
 */
export function formVectors(
  d: usize,
  weights: usize,
  poles: usize,
  offsets: usize,
  inverseNorms: usize,
  order: usize,
  count: i32,
  columns: i32,
  out: usize,
): void {
  const width = <usize>columns << 3;
  for (let r = 0; r < count; r++) {
    const i = load<i32>(order + (<usize>r << 2));
    const di = at(d, i);
    const weight = at(weights, i);
    const dis = f64x2.splat(di);
    const weightsI = f64x2.splat(weight);
    let j: usize = 0;
    for (; j + 16 <= width; j += 16) {
      const delta = f64x2.sub(f64x2.sub(dis, v128.load(poles + j)), v128.load(offsets + j));
      v128.store(out + j, f64x2.mul(f64x2.div(weightsI, delta), v128.load(inverseNorms + j)));
    }
    if (j < width) {
      const delta = di - load<f64>(poles + j) - load<f64>(offsets + j);
      store<f64>(out + j, (weight / delta) * load<f64>(inverseNorms + j));
    }
    out += width;
  }
}
