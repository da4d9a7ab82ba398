// Kernels of the derived geometry (AssemblyScript, SIMD): tokens and columns of one partition of projections p_ij,
// float32. Pointers are byte offsets into the imported memory. Sums are accumulated in float64; what an element
// adds to them depends on nothing but the element, its row and its column.

/** Rows whose sums are kept in registers, and whose extremes are known by lane: see `measureMoments`. */
const BLOCK: usize = 64;

/** A float32 lane is off by 2^-24 of its value: filters in float32 leave this much room, exact values decide. */
const MARGIN: f64 = 1 / <f64>(1 << 20);
/** The same where a float32 has no full mantissa any more. */
const SUBNORMAL_MARGIN: f64 = reinterpret<f64>(0x36c0000000000000); // 2^-147

// @ts-ignore: decorator
@inline
function low(src: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(src));
}

// @ts-ignore: decorator
@inline
function lowOf(values: v128): v128 {
  return f64x2.promote_low_f32x4(values);
}

// @ts-ignore: decorator
@inline
function highOf(values: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(values, values, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function horizontal(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// @ts-ignore: decorator
@inline
function add64(at: usize, value: f64): void {
  store<f64>(at, load<f64>(at) + value);
}

/**
 * Folds `columns` whole columns (column j at src + j * columnStride, any alignment) into sums per row, float64
 * [rows], with q = p - m: centred q^2, causalCentred lambda q^2, centroid p m, causalCentroid lambda p m, and
 * fourth (lambda p^2)^2. mean and lambda point at this block's first column.
 */
export function foldTokens(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  mean: usize,
  lambda: usize,
  centred: usize,
  causalCentred: usize,
  centroid: usize,
  causalCentroid: usize,
  fourth: usize,
): void {
  // Some columns at a time: the sums of a row are loaded and stored once for all of them.
  for (let first: usize = 0; first < columns; first += 8) {
    const width = min<usize>(8, columns - first);
    const from = src + first * columnStride;
    const m = mean + (first << 3);
    const weights = lambda + (first << 3);
    let i: usize = 0;
    for (; i + 2 <= rows; i += 2) {
      const at = i << 3;
      let sum0 = v128.load(centred + at);
      let sum1 = v128.load(causalCentred + at);
      let sum2 = v128.load(centroid + at);
      let sum3 = v128.load(causalCentroid + at);
      let sum4 = v128.load(fourth + at);
      let column = from + (i << 2);
      for (let j: usize = 0; j < width << 3; j += 8) {
        const p = low(column);
        column += columnStride;
        const mj = v128.load64_splat(m + j);
        const weight = v128.load64_splat(weights + j);
        const q = f64x2.sub(p, mj);
        const square = f64x2.mul(q, q);
        const product = f64x2.mul(p, mj);
        const causal = f64x2.mul(weight, f64x2.mul(p, p));
        sum0 = f64x2.add(sum0, square);
        sum1 = f64x2.add(sum1, f64x2.mul(weight, square));
        sum2 = f64x2.add(sum2, product);
        sum3 = f64x2.add(sum3, f64x2.mul(weight, product));
        sum4 = f64x2.add(sum4, f64x2.mul(causal, causal));
      }
      v128.store(centred + at, sum0);
      v128.store(causalCentred + at, sum1);
      v128.store(centroid + at, sum2);
      v128.store(causalCentroid + at, sum3);
      v128.store(fourth + at, sum4);
    }
    if (i < rows) {
      const at = i << 3;
      for (let j: usize = 0; j < width; j++) {
        const p = <f64>load<f32>(from + j * columnStride + (i << 2));
        const mj = load<f64>(m + (j << 3));
        const weight = load<f64>(weights + (j << 3));
        const square = (p - mj) * (p - mj);
        const product = p * mj;
        const causal = weight * (p * p);
        add64(centred + at, square);
        add64(causalCentred + at, weight * square);
        add64(centroid + at, product);
        add64(causalCentroid + at, weight * product);
        add64(fourth + at, causal * causal);
      }
    }
  }
}

/**
 * Keeps, per row, the `places` columns of the largest |z| = |root_j p_ij|, in falling order, ties to the lower
 * column: z in values (float64 [rows, places]), the column's number in columnsOf (int32, the same shape, -1 where
 * there is none yet). Called for blocks of columns in rising order; thresholds (float32 [rows], -1 at the start)
 * are what an element must exceed to be looked at.
 */
export function foldDirections(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  firstColumn: usize,
  roots: usize,
  places: usize,
  thresholds: usize,
  values: usize,
  columnsOf: usize,
): void {
  for (let j: usize = 0; j < columns; j++) {
    const column = src + j * columnStride;
    const root = load<f64>(roots + (j << 3));
    const factor = f32x4.splat(<f32>root);
    let i: usize = 0;
    for (; i + 4 <= rows; i += 4) {
      const magnitudes = f32x4.mul(f32x4.abs(v128.load(column + (i << 2))), factor);
      if (!v128.any_true(f32x4.gt(magnitudes, v128.load(thresholds + (i << 2))))) continue;
      for (let row = i; row < i + 4; row++) {
        offerDirection(root * load<f32>(column + (row << 2)), row, firstColumn + j, places, thresholds, values, columnsOf);
      }
    }
    for (; i < rows; i++) {
      offerDirection(root * load<f32>(column + (i << 2)), i, firstColumn + j, places, thresholds, values, columnsOf);
    }
  }
}

function offerDirection(
  z: f64,
  row: usize,
  column: usize,
  places: usize,
  thresholds: usize,
  values: usize,
  columnsOf: usize,
): void {
  const z0 = values + ((row * places) << 3);
  const c0 = columnsOf + ((row * places) << 2);
  const last = places - 1;
  const magnitude = abs(z);
  if (load<i32>(c0 + (last << 2)) >= 0 && !(magnitude > abs(load<f64>(z0 + (last << 3))))) return;
  let k = last;
  for (; k > 0; k--) {
    const before = load<i32>(c0 + ((k - 1) << 2));
    const value = load<f64>(z0 + ((k - 1) << 3));
    if (before >= 0 && !(magnitude > abs(value))) break;
    store<i32>(c0 + (k << 2), before);
    store<f64>(z0 + (k << 3), value);
  }
  store<i32>(c0 + (k << 2), <i32>column);
  store<f64>(z0 + (k << 3), z);
  if (load<i32>(c0 + (last << 2)) >= 0) {
    store<f32>(thresholds + (row << 2), <f32>(abs(load<f64>(z0 + (last << 3))) * (1 - MARGIN)));
  }
}

/** Copies one column of float32 to where the other kernels want it: on 16 bytes, followed by zeros to a multiple of 4. */
export function loadColumn(src: usize, rows: usize, column: usize): void {
  v128.store(column + ((rows & ~3) << 2), i32x4.splat(0));
  memory.copy(column, src, rows << 2);
}

/**
 * Adds the power sums of q = p - mean, q^1 to q^4, to sums (float64 [4]), and stores the largest p and the largest
 * -p of every group of rows in maxima (float32 [2, groups]): group 4 b + l has the rows of lane l of block b. The
 * zeros behind the last row count as rows there.
 */
export function measureMoments(column: usize, rows: usize, mean: f64, sums: usize, maxima: usize): void {
  const ms = f64x2.splat(mean);
  const groupBytes = ((rows + BLOCK - 1) / BLOCK) << 4;
  for (let first: usize = 0, group: usize = 0; first < rows; first += BLOCK, group += 16) {
    const end = min(first + BLOCK, rows);
    let sum1 = f64x2.splat(0);
    let sum2 = f64x2.splat(0);
    let sum3 = f64x2.splat(0);
    let sum4 = f64x2.splat(0);
    let highest = f32x4.splat(-Infinity);
    let lowest = f32x4.splat(Infinity);
    let i = first;
    for (; i + 4 <= end; i += 4) {
      const p = v128.load(column + (i << 2));
      highest = f32x4.pmax(highest, p);
      lowest = f32x4.pmin(lowest, p);
      const q0 = f64x2.sub(lowOf(p), ms);
      const q1 = f64x2.sub(highOf(p), ms);
      const square0 = f64x2.mul(q0, q0);
      const square1 = f64x2.mul(q1, q1);
      sum1 = f64x2.add(sum1, f64x2.add(q0, q1));
      sum2 = f64x2.add(sum2, f64x2.add(square0, square1));
      sum3 = f64x2.add(sum3, f64x2.add(f64x2.mul(square0, q0), f64x2.mul(square1, q1)));
      sum4 = f64x2.add(sum4, f64x2.add(f64x2.mul(square0, square0), f64x2.mul(square1, square1)));
    }
    let rest1 = horizontal(sum1);
    let rest2 = horizontal(sum2);
    let rest3 = horizontal(sum3);
    let rest4 = horizontal(sum4);
    if (i < end) {
      const p = v128.load(column + (i << 2));
      highest = f32x4.pmax(highest, p);
      lowest = f32x4.pmin(lowest, p);
      for (; i < end; i++) {
        const q = <f64>load<f32>(column + (i << 2)) - mean;
        const square = q * q;
        rest1 += q;
        rest2 += square;
        rest3 += square * q;
        rest4 += square * square;
      }
    }
    v128.store(maxima + group, highest);
    v128.store(maxima + groupBytes + group, f32x4.neg(lowest));
    add64(sums, rest1);
    add64(sums + 8, rest2);
    add64(sums + 16, rest3);
    add64(sums + 24, rest4);
  }
}

/**
 * Counts floor(scale p) - origin of every row of a column in counts (uint32 [bins]); what lies outside goes to the
 * first or the last bin. Where scale is a power of two, this is exact.
 */
export function countBins(
  column: usize,
  rows: usize,
  scale: f64,
  origin: i32,
  bins: usize,
  counts: usize,
): void {
  const scales = f64x2.splat(scale);
  const first = i32x4.splat(origin);
  const last = i32x4.splat(origin + <i32>bins - 1);
  const whole = rows & ~3;
  let i: usize = 0;
  for (; i < rows; i += 4) {
    const p = v128.load(column + (i << 2));
    const floor0 = i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.mul(lowOf(p), scales)));
    const floor1 = i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.mul(highOf(p), scales)));
    const floors = v128.shuffle<i32>(floor0, floor1, 0, 1, 4, 5);
    const bin = i32x4.sub(i32x4.min_s(i32x4.max_s(floors, first), last), first);
    if (i < whole) {
      increment(counts, i32x4.extract_lane(bin, 0));
      increment(counts, i32x4.extract_lane(bin, 1));
      increment(counts, i32x4.extract_lane(bin, 2));
      increment(counts, i32x4.extract_lane(bin, 3));
    } else {
      increment(counts, i32x4.extract_lane(bin, 0));
      if (rows - i > 1) increment(counts, i32x4.extract_lane(bin, 1));
      if (rows - i > 2) increment(counts, i32x4.extract_lane(bin, 2));
    }
  }
}

// @ts-ignore: decorator
@inline
function increment(counts: usize, bin: i32): void {
  const at = counts + ((<usize>bin) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

// asin(x) in degrees is x P(x^2) for |x| <= 1/2: the polynomial of degree 5 that is off by 4.5e-9 of it at most
// (Remez), in float32 by 3.4e-6 degrees. Beyond 1/2, asin(x) = 90 - 2 asin(sqrt((1 - x) / 2)).
const P0: f32 = 57.295780181884766;
const P1: f32 = 9.54936695098877;
const P2: f32 = 4.293994903564453;
const P3: f32 = 2.6098334789276123;
const P4: f32 = 1.3669724464416504;
const P5: f32 = 2.442842483520508;

// @ts-ignore: decorator
@inline
function arcsine(x: v128): v128 {
  const t = f32x4.mul(x, x);
  let s = f32x4.add(f32x4.mul(f32x4.splat(P5), t), f32x4.splat(P4));
  s = f32x4.add(f32x4.mul(s, t), f32x4.splat(P3));
  s = f32x4.add(f32x4.mul(s, t), f32x4.splat(P2));
  s = f32x4.add(f32x4.mul(s, t), f32x4.splat(P1));
  s = f32x4.add(f32x4.mul(s, t), f32x4.splat(P0));
  return f32x4.mul(s, x);
}

/** asin(x), in degrees, for 1/2 < |x|, which may be a rounding error above 1. */
function arcsineBeyondHalf(x: f64): f32 {
  const t = max<f64>(0, (1 - abs(x)) / 2);
  let s = (((<f64>P5 * t + <f64>P4) * t + <f64>P3) * t + <f64>P2) * t;
  s = (s + <f64>P1) * t + <f64>P0;
  return <f32>copysign(90 - 2 * Math.sqrt(t) * s, x);
}

/**
 * Of the cosines c_i = weight p_i / norm_i of one column: adds their arcsines s in degrees, as sums of s, s^2 and
 * |s|, to sums (float64 [3]); the numbers of rows with |c| >= 0.1, 0.2, 0.3, 0.5, 0.7 to aligned (uint32 [5]); and
 * stores the largest c and -c of every group as `measureMoments` does.
 *
 * norms and inverses are float64, as long as the column with its zeros; a row without a direction has the inverse 0,
 * which gives the cosine 0.
 */
export function measureAngles(
  column: usize,
  rows: usize,
  weight: f64,
  norms: usize,
  inverses: usize,
  sums: usize,
  aligned: usize,
  maxima: usize,
): void {
  const weights = f64x2.splat(weight);
  const noticed = f32x4.splat(0.0999999);
  const groupBytes = ((rows + BLOCK - 1) / BLOCK) << 4;
  for (let first: usize = 0, group: usize = 0; first < rows; first += BLOCK, group += 16) {
    const end = min(first + BLOCK, rows);
    let sum = f64x2.splat(0);
    let squares = f64x2.splat(0);
    let magnitudes = f64x2.splat(0);
    let highest = f32x4.splat(-Infinity);
    let lowest = f32x4.splat(Infinity);
    for (let i = first; i < end; i += 4) {
      const p = v128.load(column + (i << 2));
      const cosine0 = f64x2.mul(f64x2.mul(lowOf(p), weights), v128.load(inverses + (i << 3)));
      const cosine1 = f64x2.mul(f64x2.mul(highOf(p), weights), v128.load(inverses + (i << 3) + 16));
      const cosine = v128.shuffle<f32>(
        f32x4.demote_f64x2_zero(cosine0),
        f32x4.demote_f64x2_zero(cosine1),
        0,
        1,
        4,
        5,
      );
      highest = f32x4.pmax(highest, cosine);
      lowest = f32x4.pmin(lowest, cosine);
      let s = arcsine(cosine);
      const magnitude = f32x4.abs(cosine);
      if (v128.any_true(f32x4.ge(magnitude, noticed))) {
        for (let row = i; row < min(i + 4, rows); row++) {
          countAligned(weight * load<f32>(column + (row << 2)), load<f64>(norms + (row << 3)), aligned);
        }
        if (v128.any_true(f32x4.gt(magnitude, f32x4.splat(0.5)))) {
          if (f32x4.extract_lane(magnitude, 0) > 0.5) {
            s = f32x4.replace_lane(s, 0, arcsineBeyondHalf(f64x2.extract_lane(cosine0, 0)));
          }
          if (f32x4.extract_lane(magnitude, 1) > 0.5) {
            s = f32x4.replace_lane(s, 1, arcsineBeyondHalf(f64x2.extract_lane(cosine0, 1)));
          }
          if (f32x4.extract_lane(magnitude, 2) > 0.5) {
            s = f32x4.replace_lane(s, 2, arcsineBeyondHalf(f64x2.extract_lane(cosine1, 0)));
          }
          if (f32x4.extract_lane(magnitude, 3) > 0.5) {
            s = f32x4.replace_lane(s, 3, arcsineBeyondHalf(f64x2.extract_lane(cosine1, 1)));
          }
        }
      }
      const s0 = lowOf(s);
      const s1 = highOf(s);
      sum = f64x2.add(sum, f64x2.add(s0, s1));
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(s0, s0), f64x2.mul(s1, s1)));
      magnitudes = f64x2.add(magnitudes, f64x2.add(f64x2.abs(s0), f64x2.abs(s1)));
    }
    v128.store(maxima + group, highest);
    v128.store(maxima + groupBytes + group, f32x4.neg(lowest));
    add64(sums, horizontal(sum));
    add64(sums + 8, horizontal(squares));
    add64(sums + 16, horizontal(magnitudes));
  }
}

function countAligned(projection: f64, norm: f64, aligned: usize): void {
  const cosine = abs(projection) / norm;
  if (cosine >= 0.1) increment(aligned, 0);
  if (cosine >= 0.2) increment(aligned, 1);
  if (cosine >= 0.3) increment(aligned, 2);
  if (cosine >= 0.5) increment(aligned, 3);
  if (cosine >= 0.7) increment(aligned, 4);
}

/**
 * The `top` rows with the largest weight p_i / norm_i of one column, falling, ties to the lower row: keys (float64
 * [top]) and rowsOf (int32 [top], -1 behind the last one). Rows of norm 0 are left out.
 *
 * maxima (float32 [groups]) are those of this key over groups of rows; `excluded` says how many rows at most are in
 * them that do not count. The rank-th largest of them has `top` rows above it, so that few rows are looked at.
 * scratch has room for top + excluded float32 values.
 */
export function selectExtremes(
  column: usize,
  rows: usize,
  weight: f64,
  norms: usize,
  inverses: usize,
  maxima: usize,
  excluded: usize,
  top: usize,
  keys: usize,
  rowsOf: usize,
  scratch: usize,
): void {
  for (let k: usize = 0; k < top; k++) store<i32>(rowsOf + (k << 2), -1);
  const groups = ((rows + BLOCK - 1) / BLOCK) << 2;
  const weights = f64x2.splat(weight);
  const worst = keys + ((top - 1) << 3);
  let threshold = lowered(<f64>rankedMaximum(maxima, groups, top + excluded, scratch));
  for (let first: usize = 0, group: usize = maxima; first < rows; first += BLOCK, group += 16) {
    const maximum = v128.load(group);
    const thresholds = f32x4.splat(<f32>lowered(threshold));
    if (!v128.any_true(f32x4.ge(maximum, thresholds))) continue;
    const end = min(first + BLOCK, rows);
    for (let i = first; i < end; i += 2) {
      const key = f64x2.mul(f64x2.mul(low(column + (i << 2)), weights), v128.load(inverses + (i << 3)));
      if (!v128.any_true(f64x2.ge(key, f64x2.splat(threshold)))) continue;
      for (let row = i; row < min(i + 2, end); row++) {
        const norm = load<f64>(norms + (row << 3));
        if (norm > 0) offer((weight * load<f32>(column + (row << 2))) / norm, <i32>row, top, keys, rowsOf);
      }
      if (load<i32>(rowsOf + ((top - 1) << 2)) >= 0) threshold = max(threshold, lowered(load<f64>(worst)));
    }
  }
}

// @ts-ignore: decorator
@inline
function lowered(value: f64): f64 {
  return value - abs(value) * MARGIN - SUBNORMAL_MARGIN;
}

function offer(key: f64, row: i32, top: usize, keys: usize, rowsOf: usize): void {
  let k = top - 1;
  if (load<i32>(rowsOf + (k << 2)) >= 0 && !(key > load<f64>(keys + (k << 3)))) return;
  for (; k > 0; k--) {
    const before = load<i32>(rowsOf + ((k - 1) << 2));
    const value = load<f64>(keys + ((k - 1) << 3));
    if (before >= 0 && !(key > value)) break;
    store<i32>(rowsOf + (k << 2), before);
    store<f64>(keys + (k << 3), value);
  }
  store<i32>(rowsOf + (k << 2), row);
  store<f64>(keys + (k << 3), key);
}

/** The `rank`-th largest of float32 values, -Infinity where there are fewer; their number is a multiple of 4. */
function rankedMaximum(values: usize, count: usize, rank: usize, scratch: usize): f32 {
  if (count < rank) return -Infinity;
  for (let k: usize = 0; k < rank; k++) store<f32>(scratch + (k << 2), -Infinity);
  const last = scratch + ((rank - 1) << 2);
  for (let g: usize = 0; g < count; g += 4) {
    if (!v128.any_true(f32x4.gt(v128.load(values + (g << 2)), v128.load32_splat(last)))) continue;
    for (let k = g; k < g + 4; k++) {
      const value = load<f32>(values + (k << 2));
      if (!(value > load<f32>(last))) continue;
      let at = last;
      for (; at > scratch && load<f32>(at - 4) < value; at -= 4) store<f32>(at, load<f32>(at - 4));
      store<f32>(at, value);
    }
  }
  return load<f32>(last);
}

/** hashes[i] (uint64): a hash of the `rowBytes` bytes of row i; equal rows have equal hashes. */
export function hashRows(src: usize, rows: usize, rowBytes: usize, hashes: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    const row = src + i * rowBytes;
    // Four chains, because each step waits for the product before it.
    let a: u64 = 0x9e3779b97f4a7c15;
    let b: u64 = 0xbf58476d1ce4e5b9;
    let c: u64 = 0x94d049bb133111eb;
    let d: u64 = 0xd6e8feb86659fd93;
    let at: usize = 0;
    for (; at + 32 <= rowBytes; at += 32) {
      a = mix(a, load<u64>(row + at));
      b = mix(b, load<u64>(row + at + 8));
      c = mix(c, load<u64>(row + at + 16));
      d = mix(d, load<u64>(row + at + 24));
    }
    for (; at < rowBytes; at++) a = mix(a, <u64>load<u8>(row + at));
    store<u64>(hashes + (i << 3), mix(mix(mix(a, b), c), d));
  }
}

// @ts-ignore: decorator
@inline
function mix(state: u64, word: u64): u64 {
  const product = (state ^ word) * 0xff51afd7ed558ccd;
  return product ^ (product >> 32);
}
