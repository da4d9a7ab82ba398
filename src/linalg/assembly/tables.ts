// Kernels of the derived geometry (AssemblyScript, SIMD): tokens and columns of one partition of projections p_ij,
// float32. Pointers are byte offsets into the imported memory. Sums are accumulated in float64; what an element
// adds to them depends on nothing but the element, its row and its column.

import { horizontal, low } from './shared/lanes';

/** Rows whose sums are kept in registers, and which the selection of extremes passes over at once. */
const BLOCK: usize = 64;

/** Room that filters in float32 leave, whose lanes are off by 2^-24 of their value; exact values decide. */
const MARGIN: f64 = 1 / <f64>(1 << 20);
/** Room where a float32 has no full mantissa any more. */
const SUBNORMAL_MARGIN: f64 = reinterpret<f64>(0x36c0000000000000); // 2^-147

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
 * there is none yet). thresholds (float32 [rows], -1 at the start) are what an element must reach to be looked at.
 *
 * Called for blocks of columns from the last to the first: with roots that rise the largest z come early, and few
 * elements reach a threshold.
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
  const last = (places - 1) << 3;
  for (let j = columns; j > 0; j--) {
    const column = src + (j - 1) * columnStride;
    const root = load<f64>(roots + ((j - 1) << 3));
    const factor = f32x4.splat(<f32>root);
    for (let i: usize = 0; i < rows; i += 4) {
      const magnitudes = f32x4.mul(f32x4.abs(v128.load(column + (i << 2))), factor);
      let mask = i32x4.bitmask(f32x4.ge(magnitudes, v128.load(thresholds + (i << 2))));
      for (; mask !== 0; mask &= mask - 1) {
        const row = i + ctz(mask);
        // What is behind the last row is another column's.
        if (row >= rows) break;
        const at = (row * places) << 2;
        const z = root * load<f32>(column + (row << 2));
        offerDirection(z, <i32>(firstColumn + j - 1), places, values + (at << 1), columnsOf + at);
        if (load<i32>(columnsOf + at + (last >> 1)) < 0) continue;
        store<f32>(thresholds + (row << 2), <f32>lowered(abs(load<f64>(values + (at << 1) + last))));
      }
    }
  }
}

/** Puts z before all that are not larger: they are of higher columns. */
function offerDirection(z: f64, column: i32, places: usize, values: usize, columnsOf: usize): void {
  const magnitude = abs(z);
  let k = places - 1;
  if (load<i32>(columnsOf + (k << 2)) >= 0 && abs(load<f64>(values + (k << 3))) > magnitude) return;
  for (; k > 0; k--) {
    const before = load<i32>(columnsOf + ((k - 1) << 2));
    const value = load<f64>(values + ((k - 1) << 3));
    if (before >= 0 && abs(value) > magnitude) break;
    store<i32>(columnsOf + (k << 2), before);
    store<f64>(values + (k << 3), value);
  }
  store<i32>(columnsOf + (k << 2), column);
  store<f64>(values + (k << 3), z);
}

/**
 * Copies one column of float32 to where the other kernels want it: on 16 bytes, followed by zeros to a multiple of 4.
 */
export function loadColumn(src: usize, rows: usize, column: usize): void {
  if ((rows & 3) !== 0) v128.store(column + ((rows & ~3) << 2), i32x4.splat(0));
  memory.copy(column, src, rows << 2);
}

// @ts-ignore: decorator
@inline
function blocksOf(rows: usize): usize {
  return (rows + BLOCK - 1) / BLOCK;
}

// @ts-ignore: decorator
@inline
function maximumLane(values: v128): f32 {
  const pairs = f32x4.pmax(values, v128.shuffle<f32>(values, values, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/**
 * Adds the power sums of q = p - mean, q^1 to q^4, to sums (float64 [4]), and stores the largest p and the largest
 * -p of every block of rows, lane by lane of its vectors, in maxima (float32 [2, blocks, 4]). The zeros behind the last
 * row count as rows there.
 */
export function measureMoments(column: usize, rows: usize, mean: f64, sums: usize, maxima: usize): void {
  const ms = f64x2.splat(mean);
  const listBytes = blocksOf(rows) << 4;
  for (let first: usize = 0, block: usize = maxima; first < rows; first += BLOCK, block += 16) {
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
    v128.store(block, highest);
    v128.store(block + listBytes, f32x4.neg(lowest));
    add64(sums, rest1);
    add64(sums + 8, rest2);
    add64(sums + 16, rest3);
    add64(sums + 24, rest4);
  }
}

/**
 * Counts floor(scale p) - origin of every row of a column in counts (int32 [bins]); what lies outside goes to the
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
  const first = f64x2.splat(<f64>origin);
  const last = f64x2.splat(<f64>origin + <f64>bins - 1);
  const toBin = f64x2.splat(INTEGER_BITS - <f64>origin);
  let i: usize = 0;
  for (; i + 4 <= rows; i += 4) {
    const p = v128.load(column + (i << 2));
    const floor0 = f64x2.floor(f64x2.mul(lowOf(p), scales));
    const floor1 = f64x2.floor(f64x2.mul(highOf(p), scales));
    const bin0 = f64x2.add(f64x2.pmin(last, f64x2.pmax(first, floor0)), toBin);
    const bin1 = f64x2.add(f64x2.pmin(last, f64x2.pmax(first, floor1)), toBin);
    const bin = v128.shuffle<i32>(bin0, bin1, 0, 2, 4, 6);
    increment(counts, i32x4.extract_lane(bin, 0));
    increment(counts, i32x4.extract_lane(bin, 1));
    increment(counts, i32x4.extract_lane(bin, 2));
    increment(counts, i32x4.extract_lane(bin, 3));
  }
  for (; i < rows; i++) {
    const floor = Math.floor(scale * load<f32>(column + (i << 2)));
    const bin = min(<f64>origin + <f64>bins - 1, max(<f64>origin, floor)) - <f64>origin;
    increment(counts, <i32>bin);
  }
}

/**
 * Adds the first `used` of counts (int32), those of k = origin, origin + 1, ..., to the bins floor(k / 2^shift) - first
 * of target (int32 [bins]); what lies outside goes to the first or the last bin.
 */
export function sumBins(
  counts: usize,
  used: usize,
  origin: i32,
  shift: i32,
  first: i32,
  bins: usize,
  target: usize,
): void {
  const last = <i32>bins - 1;
  for (let b: usize = 0; b < used; b++) {
    const bin = ((origin + <i32>b) >> shift) - first;
    const at = target + ((<usize>min(last, max(0, bin))) << 2);
    store<i32>(at, load<i32>(at) + load<i32>(counts + (b << 2)));
  }
}

/** Summand that leaves a whole number in the low bits of the float64. */
const INTEGER_BITS: f64 = 6755399441055744; // 1.5 x 2^52

// @ts-ignore: decorator
@inline
function increment(counts: usize, bin: i32): void {
  const at = counts + ((<usize>bin) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Largest cosine that the polynomial reaches. */
const POLYNOMIAL_END: f32 = 0.3;

/**
 * Measures the cosines c_i = weight p_i / norm_i of one column, and puts them in cosines (float32, as long as the
 * column with its zeros): adds their arcsines s in degrees, as sums of s, s^2 and |s|, to sums (float64 [3]); the
 * numbers of rows with |c| >= 0.1, 0.2, 0.3, 0.5, 0.7 to aligned (int32 [5]); and stores the largest c and -c of
 * every block as `measureMoments` does.
 *
 * inverses (float32, as long as the column) are 1 / norm, 0 for a row without a direction, whose cosine is 0, and NaN
 * where a float32 product could overflow or vanish; norms are float64 [rows]. polynomial (float32 [8]) has the three
 * terms of P with asin(x) = x P(x^2), lowest first, the square from which on cosines are looked at one by one, and
 * room.
 */
export function measureAngles(
  column: usize,
  rows: usize,
  weight: f64,
  norms: usize,
  inverses: usize,
  cosines: usize,
  polynomial: usize,
  sums: usize,
  aligned: usize,
  maxima: usize,
): void {
  const weights = f32x4.splat(<f32>weight);
  // Read, because V8 would make constants anew at every use.
  const p0 = v128.load32_splat(polynomial);
  const p1 = v128.load32_splat(polynomial + 4);
  const p2 = v128.load32_splat(polynomial + 8);
  const noticed = v128.load32_splat(polynomial + 12);
  const arcsines = polynomial + 16;
  const listBytes = blocksOf(rows) << 4;
  for (let first: usize = 0, block: usize = maxima; first < rows; first += BLOCK, block += 16) {
    const end = min(first + BLOCK, rows);
    let sum = f64x2.splat(0);
    let squares = f64x2.splat(0);
    let positives = f64x2.splat(0);
    let highest = f32x4.splat(-Infinity);
    let lowest = f32x4.splat(Infinity);
    for (let i = first; i < end; i += 4) {
      const at = i << 2;
      let cosine = f32x4.mul(f32x4.mul(v128.load(column + at), weights), v128.load(inverses + at));
      v128.store(cosines + at, cosine);
      const square = f32x4.mul(cosine, cosine);
      let s = f32x4.add(f32x4.mul(p2, square), p1);
      s = f32x4.mul(f32x4.add(f32x4.mul(s, square), p0), cosine);
      // Written so that NaN is noticed as well.
      if (i32x4.bitmask(f32x4.lt(square, noticed)) !== 15) {
        v128.store(arcsines, s);
        noticeRows(column, i, min(i + 4, rows), weight, norms, cosines, arcsines, aligned);
        s = v128.load(arcsines);
        cosine = v128.load(cosines + at);
      }
      highest = f32x4.pmax(highest, cosine);
      lowest = f32x4.pmin(lowest, cosine);
      const s0 = lowOf(s);
      const s1 = highOf(s);
      sum = f64x2.add(sum, f64x2.add(s0, s1));
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(s0, s0), f64x2.mul(s1, s1)));
      positives = f64x2.add(positives, f64x2.add(f64x2.pmax(s0, f64x2.splat(0)), f64x2.pmax(s1, f64x2.splat(0))));
    }
    v128.store(block, highest);
    v128.store(block + listBytes, f32x4.neg(lowest));
    const total = horizontal(sum);
    add64(sums, total);
    add64(sums + 8, horizontal(squares));
    // |s| = 2 max(s, 0) - s
    add64(sums + 16, 2 * horizontal(positives) - total);
  }
}

/**
 * Counts up to 4 rows by their exact cosines, puts these where float32 products did not give any, and exact arcsines
 * where the polynomial does not reach. arcsines (float32 [4]) are those of the rows from `first` on.
 */
function noticeRows(
  column: usize,
  first: usize,
  end: usize,
  weight: f64,
  norms: usize,
  cosines: usize,
  arcsines: usize,
  aligned: usize,
): void {
  for (let row = first; row < end; row++) {
    const norm = load<f64>(norms + (row << 3));
    if (norm == 0) continue;
    const cosine = (weight * load<f32>(column + (row << 2))) / norm;
    countAligned(abs(cosine), aligned);
    const at = cosines + (row << 2);
    const magnitude = abs(load<f32>(at));
    if (magnitude <= POLYNOMIAL_END) continue;
    // A rounding error may have put it beyond 1.
    const arcsine = Math.asin(max<f64>(-1, min<f64>(1, cosine))) * (180 / Math.PI);
    store<f32>(arcsines + ((row - first) << 2), <f32>arcsine);
    if (!(magnitude < 2)) store<f32>(at, <f32>cosine);
  }
}

function countAligned(magnitude: f64, aligned: usize): void {
  if (magnitude >= 0.1) increment(aligned, 0);
  if (magnitude >= 0.2) increment(aligned, 1);
  if (magnitude >= 0.3) increment(aligned, 2);
  if (magnitude >= 0.5) increment(aligned, 3);
  if (magnitude >= 0.7) increment(aligned, 4);
}

/**
 * Selects the `top` rows with the largest key sign weight p_i / norm_i of one column, falling, ties to the lower row:
 * keys (float64 [top], -Infinity behind the last one) and rowsOf (int32 [top], -1 there). Rows of norm 0 are left out.
 *
 * values (float32, as long as the column) are weight p_i / norm_i to float32's accuracy, 0 where the norm is 0; maxima
 * (float32 [blocks, 4]) are the largest of sign values in the lanes of each block. What `top` of them reach is a floor
 * that `top` rows reach, and hardly more of them are looked at. Values are read 64 at a time; what lies behind the last
 * ones does not count. scratch has room for two lists of candidates, see CANDIDATES, and for as much as maxima.
 */
export function selectExtremes(
  values: usize,
  column: usize,
  rows: usize,
  sign: f64,
  weight: f64,
  norms: usize,
  maxima: usize,
  top: usize,
  keys: usize,
  rowsOf: usize,
  scratch: usize,
): void {
  for (let k: usize = 0; k < top; k++) {
    store<f64>(keys + (k << 3), -Infinity);
    store<i32>(rowsOf + (k << 2), -1);
  }
  const blocks = blocksOf(rows);
  const floor = floorOf(maxima, blocks, top, scratch + 2 * CANDIDATES_BYTES);
  // What does not count is 0 in the maxima: a floor that is not above it says nothing of the rows that do.
  let threshold = floor > 0 ? <f32>lowered(floor) : <f32>-Infinity;
  let bar: f64 = -Infinity;
  let length: usize = 0;
  let count: usize = 0;
  for (let group: usize = 0; group < blocks; group += 16) {
    const lanes = reaching(maxima + (group << 4), (blocks - group) << 2, 1, threshold);
    const pairs = lanes | (lanes >> 1);
    let near = (pairs | (pairs >> 2)) & 0x1111111111111111;
    for (; near !== 0; near &= near - 1) {
      const first = (group + (<usize>ctz(near) >> 2)) * BLOCK;
      let mask = reaching(values + (first << 2), rows - first, <f32>sign, threshold);
      for (; mask !== 0; mask &= mask - 1) {
        const row = first + <usize>ctz(mask);
        const norm = load<f64>(norms + (row << 3));
        const key = (sign * (weight * load<f32>(column + (row << 2)))) / norm;
        store<f64>(scratch + (count << 3), key);
        store<i32>(scratch + CANDIDATE_ROWS + (count << 2), <i32>row);
        // A row with the key of the last place comes too late for it.
        count += i32(norm != 0) & i32(key > bar);
      }
      if (count < BLOCK) continue;
      length = mergeCandidates(scratch, count, keys, rowsOf, length, top);
      count = 0;
      bar = load<f64>(keys + ((top - 1) << 3));
      threshold = max(threshold, <f32>lowered(bar));
    }
  }
  mergeCandidates(scratch, count, keys, rowsOf, length, top);
}

// @ts-ignore: decorator
@inline
function lowered(value: f64): f64 {
  return value - abs(value) * MARGIN - SUBNORMAL_MARGIN;
}

/** Halvings at most of the interval in which a floor is sought: it need not be the highest one. */
const HALVINGS = 16;

/**
 * A value that at least `rank` of the maxima of `blocks` blocks reach, and hardly more; -Infinity where there are fewer.
 * So many blocks are taken together that there are about four lanes for each of the rows sought.
 */
function floorOf(maxima: usize, blocks: usize, rank: usize, scratch: usize): f32 {
  if (blocks << 2 < rank) return -Infinity;
  const last = maxima + (blocks << 4);
  const step = max<usize>(1, blocks / rank) << 4;
  let highest = f32x4.splat(-Infinity);
  let lowest = f32x4.splat(Infinity);
  let end = scratch;
  for (let first = maxima; first < last; first += step, end += 16) {
    let four = v128.load(first);
    for (let at = first + 16; at < min(first + step, last); at += 16) four = f32x4.pmax(four, v128.load(at));
    v128.store(end, four);
    highest = f32x4.pmax(highest, four);
    lowest = f32x4.pmin(lowest, four);
  }
  let floor = -maximumLane(f32x4.neg(lowest));
  let ceiling = maximumLane(highest);
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = floor + (ceiling - floor) * 0.5;
    const middles = f32x4.splat(middle);
    let counts = i32x4.splat(0);
    for (let at = scratch; at < end; at += 16) counts = i32x4.sub(counts, f32x4.ge(v128.load(at), middles));
    const pairs = i32x4.add(counts, v128.shuffle<i32>(counts, counts, 2, 3, 0, 1));
    const reached: usize = i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
    if (reached >= rank) floor = middle;
    else ceiling = middle;
    if (reached == rank) break;
  }
  return floor;
}

/** Which of 64 float32 values, times sign, reach a threshold: a bit each, 0 from `count` on. */
// @ts-ignore: decorator
@inline
function reaching(values: usize, count: usize, sign: f32, threshold: f32): u64 {
  const signs = f32x4.splat(sign);
  const thresholds = f32x4.splat(threshold);
  const low = sixteenReaching(values, signs, thresholds) | (sixteenReaching(values + 64, signs, thresholds) << 16);
  const high =
    sixteenReaching(values + 128, signs, thresholds) | (sixteenReaching(values + 192, signs, thresholds) << 16);
  const mask = <u64>low | ((<u64>high) << 32);
  return count < 64 ? mask & (((<u64>1) << (<u64>count)) - 1) : mask;
}

// @ts-ignore: decorator
@inline
function sixteenReaching(values: usize, signs: v128, thresholds: v128): u32 {
  const a = f32x4.ge(f32x4.mul(v128.load(values), signs), thresholds);
  const b = f32x4.ge(f32x4.mul(v128.load(values, 16), signs), thresholds);
  const c = f32x4.ge(f32x4.mul(v128.load(values, 32), signs), thresholds);
  const d = f32x4.ge(f32x4.mul(v128.load(values, 48), signs), thresholds);
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** Candidates that a list has room for: fewer than a block's rows, and those of another block. */
const CANDIDATES: usize = 2 * BLOCK;
/** Where the rows (int32) of a list of candidates begin, behind their keys (float64). */
const CANDIDATE_ROWS: usize = CANDIDATES * 8;
/** Bytes of a list of candidates, behind which the sorted ones lie. */
const CANDIDATES_BYTES: usize = CANDIDATES * 12;

/**
 * Merges `count` candidates, whose rows rise and are behind those of the list, into the first `top` places of the list,
 * of which `length` are filled; returns how many are filled then. Begins at the end, so that nothing is overwritten
 * unread.
 */
function mergeCandidates(
  candidates: usize,
  count: usize,
  keys: usize,
  rowsOf: usize,
  length: usize,
  top: usize,
): usize {
  sortCandidates(candidates, count);
  const sorted = candidates + CANDIDATES_BYTES;
  let at = length + count;
  let old = length;
  let left = count;
  while (left > 0) {
    at--;
    const key = load<f64>(sorted + ((left - 1) << 3));
    const isOld = old > 0 && key > load<f64>(keys + ((old - 1) << 3));
    if (isOld) old--;
    else left--;
    if (at >= top) continue;
    store<f64>(keys + (at << 3), isOld ? load<f64>(keys + (old << 3)) : key);
    const row = isOld ? rowsOf + (old << 2) : sorted + CANDIDATE_ROWS + (left << 2);
    store<i32>(rowsOf + (at << 2), load<i32>(row));
  }
  return min(top, length + count);
}

/** Puts candidates behind their list by falling keys, ties in their order: each where so many keys are larger. */
function sortCandidates(candidates: usize, count: usize): void {
  const end = candidates + (count << 3);
  const places = candidates + CANDIDATES_BYTES + CANDIDATE_ROWS;
  for (let k: usize = 0; k < count; k += 4) v128.store(places + (k << 2), i32x4.splat(-1));
  for (let i: usize = 0; i < count; i += 4) {
    const keys0 = v128.load(candidates + (i << 3));
    const keys1 = v128.load(candidates + (i << 3), 16);
    let larger0 = i64x2.splat(0);
    let larger1 = i64x2.splat(0);
    for (let at = candidates; at < end; at += 8) {
      const other = v128.load64_splat(at);
      larger0 = i64x2.sub(larger0, f64x2.gt(other, keys0));
      larger1 = i64x2.sub(larger1, f64x2.gt(other, keys1));
    }
    putCandidate(candidates, i, <usize>i64x2.extract_lane(larger0, 0));
    if (i + 1 < count) putCandidate(candidates, i + 1, <usize>i64x2.extract_lane(larger0, 1));
    if (i + 2 < count) putCandidate(candidates, i + 2, <usize>i64x2.extract_lane(larger1, 0));
    if (i + 3 < count) putCandidate(candidates, i + 3, <usize>i64x2.extract_lane(larger1, 1));
  }
}

/** Puts candidate i at a place among the sorted ones, or behind those with its key that are there already. */
// @ts-ignore: decorator
@inline
function putCandidate(candidates: usize, i: usize, place: usize): void {
  const sorted = candidates + CANDIDATES_BYTES;
  while (load<i32>(sorted + CANDIDATE_ROWS + (place << 2)) >= 0) place++;
  store<f64>(sorted + (place << 3), load<f64>(candidates + (i << 3)));
  store<i32>(sorted + CANDIDATE_ROWS + (place << 2), load<i32>(candidates + CANDIDATE_ROWS + (i << 2)));
}

/** Hashes rows: hashes[i] (uint64) is of the `rowBytes` bytes of row i; equal rows have equal hashes. */
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
