// Kernels of the nearest neighbours (AssemblyScript, SIMD): coordinates of rows from columns of projections p_ij,
// float32 at any alignment (column j at src + j * columnStride), selection from tiles of float32 products, and exact
// squared differences. Pointers are byte offsets into the imported memory.

import { low } from './shared/lanes';

/** Adds the sum of every column to sums, float64 [columns]. */
export function sumColumns(src: usize, rows: usize, columns: usize, columnStride: usize, sums: usize): void {
  for (let j: usize = 0; j < columns; j++) {
    const column = src + j * columnStride;
    // Several sums at once, of which none waits for another.
    let a = f64x2.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let i: usize = 0;
    for (; i + 8 <= rows; i += 8) {
      const from = column + (i << 2);
      a = f64x2.add(a, low(from));
      b = f64x2.add(b, low(from + 8));
      c = f64x2.add(c, low(from + 16));
      d = f64x2.add(d, low(from + 24));
    }
    const sum = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
    let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    for (; i < rows; i++) total += <f64>load<f32>(column + (i << 2));
    store<f64>(sums + (j << 3), load<f64>(sums + (j << 3)) + total);
  }
}

/**
 * Adds weight_j (p_ij - mean_j)^2 of every column to the sum of row i, float64 [rows], one column after the other. Of an odd
 * number of rows, one more entry of the column and of the sums is read and written.
 */
export function addNorms(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  mean: usize,
  weights: usize,
  sums: usize,
): void {
  // Some columns at a time: a sum is loaded and stored once for all of them.
  for (let first: usize = 0; first < columns; first += 8) {
    const end = min(first + 8, columns);
    for (let i: usize = 0; i < rows; i += 2) {
      let sum = v128.load(sums + (i << 3));
      let from = src + first * columnStride + (i << 2);
      for (let j = first; j < end; j++) {
        const q = f64x2.sub(low(from), v128.load64_splat(mean + (j << 3)));
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(weights + (j << 3)), f64x2.mul(q, q)));
        from += columnStride;
      }
      v128.store(sums + (i << 3), sum);
    }
  }
}

/**
 * Adds the bits of every column times its key, uint64 [columns], to the hash of row i, uint64 [rows]. Of an odd number of rows,
 * one more entry of the column and of the hashes is read and written.
 */
export function addHashes(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  keys: usize,
  hashes: usize,
): void {
  for (let first: usize = 0; first < columns; first += 8) {
    const end = min(first + 8, columns);
    for (let i: usize = 0; i < rows; i += 2) {
      let hash = v128.load(hashes + (i << 3));
      let from = src + first * columnStride + (i << 2);
      for (let j = first; j < end; j++) {
        const bits = i64x2.extend_low_i32x4_u(v128.load64_zero(from));
        hash = i64x2.add(hash, i64x2.mul(bits, v128.load64_splat(keys + (j << 3))));
        from += columnStride;
      }
      v128.store(hashes + (i << 3), hash);
    }
  }
}

/** Copies some rows of all columns to target, a column every `stride` bytes; rowsOf int32 [count] has their numbers. */
export function copyColumns(
  src: usize,
  columns: usize,
  columnStride: usize,
  rowsOf: usize,
  count: usize,
  target: usize,
  stride: usize,
): void {
  for (let j: usize = 0; j < columns; j++) {
    const from = src + j * columnStride;
    const to = target + j * stride;
    for (let k: usize = 0; k < count; k++) {
      store<f32>(to + (k << 2), load<f32>(from + (<usize>load<u32>(rowsOf + (k << 2)) << 2)));
    }
  }
}

// @ts-ignore: decorator
@inline
function unitValue(p: f32, mean: f64, root: f64, inverse: f64): f32 {
  return <f32>((<f64>p - mean) * root * inverse);
}

/** Writes (p - mean) root inverse of every column, as the columns lie, to target: float32 [columns, rows]. */
export function unitColumns(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  mean: usize,
  root: usize,
  inverses: usize,
  target: usize,
): void {
  for (let j: usize = 0; j < columns; j++) {
    const column = src + j * columnStride;
    const to = target + ((j * rows) << 2);
    const m = load<f64>(mean + (j << 3));
    const w = load<f64>(root + (j << 3));
    for (let i: usize = 0; i < rows; i++) {
      const p = load<f32>(column + (i << 2));
      store<f32>(to + (i << 2), unitValue(p, m, w, load<f64>(inverses + (i << 3))));
    }
  }
}

/** Writes (p - mean) root inverse of every row to target, row-major: float32 [rows, columns]. */
export function unitRows(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  mean: usize,
  root: usize,
  inverses: usize,
  target: usize,
): void {
  const rowBytes = columns << 2;
  // 16 columns at a time: four rows of them fill whole cache lines of the target.
  for (let first: usize = 0; first < columns; first += 16) {
    const end = min(first + 16, columns);
    let i: usize = 0;
    for (; i + 4 <= rows; i += 4) {
      const inverse0 = v128.load64_splat(inverses + (i << 3));
      const inverse1 = v128.load64_splat(inverses + (i << 3) + 8);
      const inverse2 = v128.load64_splat(inverses + (i << 3) + 16);
      const inverse3 = v128.load64_splat(inverses + (i << 3) + 24);
      let j = first;
      for (; j + 4 <= end; j += 4) {
        const from = src + j * columnStride + (i << 2);
        const a = v128.load(from);
        const b = v128.load(from + columnStride);
        const c = v128.load(from + 2 * columnStride);
        const d = v128.load(from + 3 * columnStride);
        const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
        const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        const m0 = v128.load(mean + (j << 3));
        const m1 = v128.load(mean + (j << 3) + 16);
        const w0 = v128.load(root + (j << 3));
        const w1 = v128.load(root + (j << 3) + 16);
        const to = target + i * rowBytes + (j << 2);
        storeUnits(to, ab0, cd0, 0, m0, m1, w0, w1, inverse0);
        storeUnits(to + rowBytes, ab0, cd0, 1, m0, m1, w0, w1, inverse1);
        storeUnits(to + 2 * rowBytes, ab1, cd1, 0, m0, m1, w0, w1, inverse2);
        storeUnits(to + 3 * rowBytes, ab1, cd1, 1, m0, m1, w0, w1, inverse3);
      }
      for (; j < end; j++) storeColumn(src, i, i + 4, j, columnStride, mean, root, inverses, target, rowBytes);
    }
    for (let j = first; j < end; j++)
      storeColumn(src, i, rows, j, columnStride, mean, root, inverses, target, rowBytes);
  }
}

/** Stores four values of one row: its pairs are the low (half 0) or high (half 1) lanes of two vectors. */
// @ts-ignore: decorator
@inline
function storeUnits(
  to: usize,
  left: v128,
  right: v128,
  half: i32,
  m0: v128,
  m1: v128,
  w0: v128,
  w1: v128,
  inverse: v128,
): void {
  const p0 = half == 0 ? left : v128.shuffle<f32>(left, left, 2, 3, 2, 3);
  const p1 = half == 0 ? right : v128.shuffle<f32>(right, right, 2, 3, 2, 3);
  const u0 = f64x2.mul(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(p0), m0), w0), inverse);
  const u1 = f64x2.mul(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(p1), m1), w1), inverse);
  const low4 = f32x4.demote_f64x2_zero(u0);
  const high4 = f32x4.demote_f64x2_zero(u1);
  v128.store(to, v128.shuffle<f32>(low4, high4, 0, 1, 4, 5));
}

/** Stores column j of rows [begin, end). */
function storeColumn(
  src: usize,
  begin: usize,
  end: usize,
  j: usize,
  columnStride: usize,
  mean: usize,
  root: usize,
  inverses: usize,
  target: usize,
  rowBytes: usize,
): void {
  const column = src + j * columnStride;
  const m = load<f64>(mean + (j << 3));
  const w = load<f64>(root + (j << 3));
  for (let i = begin; i < end; i++) {
    const value = unitValue(load<f32>(column + (i << 2)), m, w, load<f64>(inverses + (i << 3)));
    store<f32>(target + i * rowBytes + (j << 2), value);
  }
}

/**
 * Scores of 4 queries against one row: s scale factor + offset, of products s.
 */
// @ts-ignore: decorator
@inline
function scoresOf(products: usize, factors: usize, scale: v128, offset: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.mul(v128.load(products), scale), v128.load(factors)), offset);
}

// @ts-ignore: decorator
@inline
function largestOf(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
}

/** Whether each of four scores is above its bound, as four bits. */
// @ts-ignore: decorator
@inline
function above(scores: v128, bounds: v128): i32 {
  return i32x4.bitmask(f32x4.gt(scores, bounds));
}

/** The lowest of 16 thresholds. */
function floorOf(thresholds: usize): f32 {
  const a = f32x4.min(v128.load(thresholds), v128.load(thresholds, 16));
  const b = f32x4.min(v128.load(thresholds, 32), v128.load(thresholds, 48));
  const c = f32x4.min(a, b);
  const d = f32x4.min(c, v128.shuffle<f32>(c, c, 2, 3, 0, 1));
  return min<f32>(f32x4.extract_lane(d, 0), f32x4.extract_lane(d, 1));
}

/**
 * Puts a row with its score on a list that it is to be on, in the place of the lowest where the list is full: lists as
 * `offerTile` has them.
 */
function put(lists: usize, capacity: usize, places: i32, list: usize, score: f32, member: i32): void {
  const stride = <usize>((places + 3) & ~3) << 2;
  const thresholds = lists + (list << 2);
  const counts = thresholds + (capacity << 2);
  const lowest = counts + (capacity << 2);
  const scores = lists + capacity * 12 + list * stride;
  const count = load<i32>(counts);
  const at = <usize>(count < places ? count : load<i32>(lowest)) << 2;
  store<f32>(scores + at, score);
  store<i32>(scores + capacity * stride + at, member);
  if (count < places) {
    store<i32>(counts, count + 1);
    if (count + 1 < places) return;
  }
  const lowestAt = placeOfLowest(scores, stride);
  store<i32>(lowest, <i32>(lowestAt >> 2));
  store<f32>(thresholds, load<f32>(scores + lowestAt));
}

/**
 * Offers a tile of products, float32 [rows, queries], to a list a query, which keeps the `places` largest scores
 * s scale_row factor_query + offset_row with the numbers of their rows, firstRow and up; and, where there are lists of rows, to
 * one a row, which keeps those of s scale_row factor_query + ownOffset_query with the numbers of the queries.
 *
 * Lists, of which `capacity` lie one behind the other, are thresholds, float32, counts and `lowest`, the place of the lowest
 * score, int32 [capacity] each, then scores float32 and members int32 [capacity, places up to the next multiple of 4], the
 * scores beyond the places being infinite. Only what is above a list's threshold (-infinity at first) is looked at, which
 * is the lowest score of a list that is full.
 *
 * A row whose number is that of the query (own, int32) is left out, one whose offset is -infinity, and a query whose ownOffset
 * is. Where factors is 0, the score is the product, and floors, float32, has room for the lowest threshold of each 16. Row r
 * has the list number listOf_r, int32; rowLists is 0 where there are none. What is a query's, and the capacity of its lists, has
 * a multiple of 16 entries, the thresholds of those beyond the queries being infinite; the tile may be read as far beyond its
 * end.
 */
export function offerTile(
  tile: usize,
  rows: usize,
  queries: usize,
  firstRow: i32,
  scales: usize,
  offsets: usize,
  factors: usize,
  own: usize,
  ownOffsets: usize,
  floors: usize,
  places: i32,
  lists: usize,
  capacity: usize,
  listOf: usize,
  rowLists: usize,
  rowCapacity: usize,
): void {
  for (let q: usize = 0; q < queries; q += 16) store<f32>(floors + (q >> 2), floorOf(lists + (q << 2)));
  for (let r: usize = 0; r < rows; r++) {
    // No neighbour of any query.
    if (load<f32>(offsets + (r << 2)) == -Infinity) continue;
    const products = tile + ((r * queries) << 2);
    const scale = v128.load32_splat(scales + (r << 2));
    const offset = v128.load32_splat(offsets + (r << 2));
    const row = firstRow + <i32>r;
    const list: usize = rowLists === 0 ? 0 : <usize>load<i32>(listOf + (r << 2));
    let bound: v128 = rowLists === 0 ? f32x4.splat(Infinity) : v128.load32_splat(rowLists + (list << 2));
    for (let q: usize = 0; q < queries; q += 16) {
      const at = q << 2;
      const from = products + at;
      const t = lists + at;
      const floor = v128.load32_splat(floors + (q >> 2));
      // Scores, as lists of queries and as that of the row have them: both are the product, or what they are made of.
      let s0 = v128.load(from);
      let s1 = v128.load(from, 16);
      let s2 = v128.load(from, 32);
      let s3 = v128.load(from, 48);
      let r0 = s0;
      let r1 = s1;
      let r2 = s2;
      let r3 = s3;
      if (factors === 0) {
        if (!v128.any_true(f32x4.gt(largestOf(s0, s1, s2, s3), f32x4.pmin(floor, bound)))) continue;
      } else {
        const f = factors + at;
        const o = ownOffsets + at;
        s0 = f32x4.mul(f32x4.mul(s0, scale), v128.load(f));
        s1 = f32x4.mul(f32x4.mul(s1, scale), v128.load(f, 16));
        s2 = f32x4.mul(f32x4.mul(s2, scale), v128.load(f, 32));
        s3 = f32x4.mul(f32x4.mul(s3, scale), v128.load(f, 48));
        r0 = f32x4.add(s0, v128.load(o));
        r1 = f32x4.add(s1, v128.load(o, 16));
        r2 = f32x4.add(s2, v128.load(o, 32));
        r3 = f32x4.add(s3, v128.load(o, 48));
        // Of sums with the same offset, the largest is that of the largest.
        const most = f32x4.gt(f32x4.add(largestOf(s0, s1, s2, s3), offset), floor);
        if (!v128.any_true(v128.or(most, f32x4.gt(largestOf(r0, r1, r2, r3), bound)))) continue;
        s0 = f32x4.add(s0, offset);
        s1 = f32x4.add(s1, offset);
        s2 = f32x4.add(s2, offset);
        s3 = f32x4.add(s3, offset);
      }
      let toQueries =
        above(s0, v128.load(t)) |
        (above(s1, v128.load(t, 16)) << 4) |
        (above(s2, v128.load(t, 32)) << 8) |
        (above(s3, v128.load(t, 48)) << 12);
      let toRow = above(r0, bound) | (above(r1, bound) << 4) | (above(r2, bound) << 8) | (above(r3, bound) << 12);
      if ((toQueries | toRow) === 0) continue;
      if (toQueries !== 0) {
        for (; toQueries !== 0; toQueries &= toQueries - 1) {
          const query = q + ctz(toQueries);
          const place = query << 2;
          if (load<i32>(own + place) === row) continue;
          let score = load<f32>(products + place);
          if (factors !== 0) {
            score = score * load<f32>(scales + (r << 2)) * load<f32>(factors + place);
            score += load<f32>(offsets + (r << 2));
          }
          put(lists, capacity, places, query, score, row);
        }
        store<f32>(floors + (q >> 2), floorOf(t));
      }
      if (toRow === 0) continue;
      for (; toRow !== 0; toRow &= toRow - 1) {
        const query = q + ctz(toRow);
        // Beyond the queries lies anything.
        if (query >= queries) break;
        const place = query << 2;
        if (load<f32>(ownOffsets + place) == -Infinity) continue;
        let score = load<f32>(products + place);
        if (factors !== 0) {
          score = score * load<f32>(scales + (r << 2)) * load<f32>(factors + place);
          score += load<f32>(ownOffsets + place);
        }
        // The threshold may have risen since.
        if (score > load<f32>(rowLists + (list << 2)))
          put(rowLists, rowCapacity, places, list, score, load<i32>(own + place));
      }
      bound = v128.load32_splat(rowLists + (list << 2));
    }
  }
}

/** Finds the lowest of the scores in so many bytes, a multiple of 16. @returns its place in bytes */
function placeOfLowest(scores: usize, bytes: usize): usize {
  let least = v128.load(scores);
  for (let at: usize = 16; at < bytes; at += 16) least = f32x4.pmin(least, v128.load(scores + at));
  least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 2, 3, 0, 1));
  least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 1, 0, 3, 2));
  for (let at: usize = 0; at < bytes; at += 16) {
    const mask = i32x4.bitmask(f32x4.eq(v128.load(scores + at), least));
    if (mask !== 0) return at + (<usize>ctz(mask) << 2);
  }
  return 0;
}

/**
 * Lists, of the rows from `begin` on of a tile as `offerTile` has it, the pairs whose score is at or above the query's
 * threshold: pairs (int32 [capacity, 2]: query, row within the tile), their number in `found`. Stops before a row for which
 * there may be no room.
 *
 * @returns the row to go on with; `rows` at the end
 */
export function listAbove(
  tile: usize,
  rows: usize,
  queries: usize,
  firstRow: i32,
  scales: usize,
  offsets: usize,
  factors: usize,
  own: usize,
  thresholds: usize,
  begin: usize,
  pairs: usize,
  capacity: usize,
  found: usize,
): usize {
  let count: usize = 0;
  let r = begin;
  for (; r < rows && count + queries <= capacity; r++) {
    if (load<f32>(offsets + (r << 2)) == -Infinity) continue;
    const products = tile + ((r * queries) << 2);
    const scale = v128.load32_splat(scales + (r << 2));
    const offset = v128.load32_splat(offsets + (r << 2));
    for (let q: usize = 0; q < queries; q += 4) {
      const at = q << 2;
      const scores =
        factors === 0 ? v128.load(products + at) : scoresOf(products + at, factors + at, scale, offset);
      let mask = i32x4.bitmask(f32x4.ge(scores, v128.load(thresholds + at)));
      // Beyond the queries lies anything, infinity as well.
      if (q + 4 > queries) mask &= (1 << <i32>(queries - q)) - 1;
      for (; mask !== 0; mask &= mask - 1) {
        const query = q + ctz(mask);
        if (load<i32>(own + (query << 2)) === firstRow + <i32>r) continue;
        store<u32>(pairs + (count << 3), <u32>query);
        store<u32>(pairs + (count << 3), <u32>r, 4);
        count++;
      }
    }
  }
  store<u32>(found, <u32>count);
  return r;
}

/** Loads one float32 each of two columns, as float64. */
// @ts-ignore: decorator
@inline
function pairOf(src: usize, stride: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load32_lane(src + stride, v128.load32_zero(src), 1));
}

/** Squares of weighted differences, two at a time: see `addSquares`. */
// @ts-ignore: decorator
@inline
function squaresOf(q: v128, r: v128, weight: v128): v128 {
  const difference = f64x2.sub(q, r);
  return f64x2.mul(weight, f64x2.mul(difference, difference));
}

// @ts-ignore: decorator
@inline
function scaled(p: v128, centre: v128, scale: v128): v128 {
  return f64x2.mul(f64x2.sub(p, centre), scale);
}

/**
 * Adds weight_j ((p_qj - a_j) left - (p_rj - b_j) right)^2 of every pair (q, r) to its sum, float64 [count]: pairs int32
 * [count, 2], left and right float64 [count], p_qj in `queries` and p_rj in `src`, a and b in `centres`, float64 [2, columns].
 * The sum is taken over four columns at a time, first and third, second and fourth, in an order that depends on nothing but j.
 */
export function addSquares(
  queries: usize,
  queryStride: usize,
  src: usize,
  columnStride: usize,
  columns: usize,
  centres: usize,
  weights: usize,
  pairs: usize,
  count: usize,
  left: usize,
  right: usize,
  sums: usize,
): void {
  const rowCentres = centres + (columns << 3);
  let first: usize = 0;
  for (; first + 4 <= columns; first += 4) {
    const fromQueries = queries + first * queryStride;
    const fromRows = src + first * columnStride;
    const a0 = v128.load(centres + (first << 3));
    const a1 = v128.load(centres + (first << 3), 16);
    const b0 = v128.load(rowCentres + (first << 3));
    const b1 = v128.load(rowCentres + (first << 3), 16);
    const w0 = v128.load(weights + (first << 3));
    const w1 = v128.load(weights + (first << 3), 16);
    for (let k: usize = 0; k < count; k++) {
      const q = fromQueries + (<usize>load<u32>(pairs + (k << 3)) << 2);
      const r = fromRows + (<usize>load<u32>(pairs + (k << 3), 4) << 2);
      const a = v128.load64_splat(left + (k << 3));
      const b = v128.load64_splat(right + (k << 3));
      const sum = f64x2.add(
        squaresOf(scaled(pairOf(q, queryStride), a0, a), scaled(pairOf(r, columnStride), b0, b), w0),
        squaresOf(
          scaled(pairOf(q + 2 * queryStride, queryStride), a1, a),
          scaled(pairOf(r + 2 * columnStride, columnStride), b1, b),
          w1,
        ),
      );
      const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
      store<f64>(sums + (k << 3), load<f64>(sums + (k << 3)) + total);
    }
  }
  for (let j = first; j < columns; j++) {
    const a = load<f64>(centres + (j << 3));
    const b = load<f64>(rowCentres + (j << 3));
    const w = load<f64>(weights + (j << 3));
    for (let k: usize = 0; k < count; k++) {
      const q = <f64>load<f32>(queries + j * queryStride + (<usize>load<u32>(pairs + (k << 3)) << 2));
      const r = <f64>load<f32>(src + j * columnStride + (<usize>load<u32>(pairs + (k << 3), 4) << 2));
      const difference = (q - a) * load<f64>(left + (k << 3)) - (r - b) * load<f64>(right + (k << 3));
      store<f64>(sums + (k << 3), load<f64>(sums + (k << 3)) + w * (difference * difference));
    }
  }
}

/** Squares of a column's weighted differences from one coordinate of a query, of two rows: see `addRowSquares`. */
// @ts-ignore: decorator
@inline
function columnSquares(
  src: usize,
  columnStride: usize,
  j: usize,
  query: usize,
  centre: usize,
  weights: usize,
  right: v128,
): v128 {
  const r = scaled(low(src + j * columnStride), v128.load64_splat(centre + (j << 3)), right);
  return squaresOf(v128.load64_splat(query + (j << 3)), r, v128.load64_splat(weights + (j << 3)));
}

/**
 * Adds weight_j (query_j - (p_rj - centre_j) right_r)^2 of every row r to its sum, float64 [rows], with the bits that
 * `addSquares` gives: query, centre and weights float64 [columns], the query scaled already; right float64 [rows]. Of an odd
 * number of rows, one more entry of all that is a row's is read and written.
 */
export function addRowSquares(
  query: usize,
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  centre: usize,
  weights: usize,
  right: usize,
  sums: usize,
): void {
  let first: usize = 0;
  for (; first + 4 <= columns; first += 4) {
    for (let i: usize = 0; i < rows; i += 2) {
      const from = src + (i << 2);
      const scale = v128.load(right + (i << 3));
      const a = columnSquares(from, columnStride, first, query, centre, weights, scale);
      const b = columnSquares(from, columnStride, first + 1, query, centre, weights, scale);
      const c = columnSquares(from, columnStride, first + 2, query, centre, weights, scale);
      const d = columnSquares(from, columnStride, first + 3, query, centre, weights, scale);
      const total = f64x2.add(f64x2.add(a, c), f64x2.add(b, d));
      v128.store(sums + (i << 3), f64x2.add(v128.load(sums + (i << 3)), total));
    }
  }
  for (let j = first; j < columns; j++) {
    for (let i: usize = 0; i < rows; i += 2) {
      const scale = v128.load(right + (i << 3));
      const square = columnSquares(src + (i << 2), columnStride, j, query, centre, weights, scale);
      v128.store(sums + (i << 3), f64x2.add(v128.load(sums + (i << 3)), square));
    }
  }
}
