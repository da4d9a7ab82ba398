// Kernels of the nearest neighbours (AssemblyScript, SIMD): coordinates of rows from columns of projections p_ij,
// float32 at any alignment (column j at src + j * columnStride), selection from tiles of float32 products, and exact
// squared differences. Pointers are byte offsets into the imported memory.

// @ts-ignore: decorator
@inline
function low(src: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(src));
}

/** Adds the sum of every column to sums, float64 [columns]. */
export function sumColumns(src: usize, rows: usize, columns: usize, columnStride: usize, sums: usize): void {
  for (let j: usize = 0; j < columns; j++) {
    const column = src + j * columnStride;
    let sum = f64x2.splat(0);
    let i: usize = 0;
    for (; i + 2 <= rows; i += 2) sum = f64x2.add(sum, low(column + (i << 2)));
    let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    if (i < rows) total += <f64>load<f32>(column + (i << 2));
    store<f64>(sums + (j << 3), load<f64>(sums + (j << 3)) + total);
  }
}

/**
 * Folds columns into facts of every row: p^2, q^2 and lambda q^2 with q = p - mean, float64 [rows] each, and two hashes
 * of its bits, uint64 [rows] each: sums of bits times odd keys (uint64 [2, columns of the matrix], keyStride bytes from one
 * to the other). mean, lambda and keys point at the first of these columns.
 */
export function foldRows(
  src: usize,
  rows: usize,
  columns: usize,
  columnStride: usize,
  mean: usize,
  lambda: usize,
  keys: usize,
  keyStride: usize,
  squares: usize,
  centred: usize,
  causal: usize,
  hashes: usize,
  otherHashes: usize,
): void {
  // Some columns at a time: what is known of a row is loaded and stored once for all of them.
  for (let first: usize = 0; first < columns; first += 8) {
    const width = min<usize>(8, columns - first);
    const from = src + first * columnStride;
    for (let i: usize = 0; i < rows; i++) {
      const at = i << 3;
      let sum = load<f64>(squares + at);
      let sumCentred = load<f64>(centred + at);
      let sumCausal = load<f64>(causal + at);
      let hash = load<u64>(hashes + at);
      let other = load<u64>(otherHashes + at);
      let place = from + (i << 2);
      for (let j: usize = first << 3; j < (first + width) << 3; j += 8) {
        const p = <f64>load<f32>(place);
        const q = p - load<f64>(mean + j);
        const square = q * q;
        sum += p * p;
        sumCentred += square;
        sumCausal += load<f64>(lambda + j) * square;
        const bits = <u64>load<u32>(place);
        hash += bits * load<u64>(keys + j);
        other += bits * load<u64>(keys + keyStride + j);
        place += columnStride;
      }
      store<f64>(squares + at, sum);
      store<f64>(centred + at, sumCentred);
      store<f64>(causal + at, sumCausal);
      store<u64>(hashes + at, hash);
      store<u64>(otherHashes + at, other);
    }
  }
}

/** Copies rows `first` to `first + count` of all columns to target, float32 [columns, count of a row of it: stride bytes]. */
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

/**
 * Offers a tile of products, float32 [rows, queries], to a heap a query, which keeps the `places` largest scores
 * s scale_row factor_query + offset_row with the numbers of their rows, firstRow and up: scores float32 and members int32
 * [queries, places], the lowest score of each first, counts int32 [queries]. Only what is above a query's threshold
 * (float32, -infinity at first) is looked at, which is the lowest score of a heap that is full. A row whose number is that
 * of the query (own, int32) is left out, and one whose offset is -infinity. Where factors is 0, the score is the product.
 * thresholds and factors have a multiple of 16 entries, the thresholds of those beyond the queries being infinite; the tile
 * may be read as far beyond its end.
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
  thresholds: usize,
  counts: usize,
  places: i32,
  scores: usize,
  members: usize,
): void {
  for (let r: usize = 0; r < rows; r++) {
    // No neighbour of any query.
    if (load<f32>(offsets + (r << 2)) == -Infinity) continue;
    const products = tile + ((r * queries) << 2);
    const scale = v128.load32_splat(scales + (r << 2));
    const offset = v128.load32_splat(offsets + (r << 2));
    const row = firstRow + <i32>r;
    for (let q: usize = 0; q < queries; q += 16) {
      const at = q << 2;
      const from = products + at;
      const t = thresholds + at;
      let hit0: v128, hit1: v128, hit2: v128, hit3: v128;
      if (factors === 0) {
        hit0 = f32x4.gt(v128.load(from), v128.load(t));
        hit1 = f32x4.gt(v128.load(from, 16), v128.load(t, 16));
        hit2 = f32x4.gt(v128.load(from, 32), v128.load(t, 32));
        hit3 = f32x4.gt(v128.load(from, 48), v128.load(t, 48));
      } else {
        const f = factors + at;
        hit0 = f32x4.gt(scoresOf(from, f, scale, offset), v128.load(t));
        hit1 = f32x4.gt(scoresOf(from + 16, f + 16, scale, offset), v128.load(t, 16));
        hit2 = f32x4.gt(scoresOf(from + 32, f + 32, scale, offset), v128.load(t, 32));
        hit3 = f32x4.gt(scoresOf(from + 48, f + 48, scale, offset), v128.load(t, 48));
      }
      if (!v128.any_true(v128.or(v128.or(hit0, hit1), v128.or(hit2, hit3)))) continue;
      let mask = i32x4.bitmask(hit0) | (i32x4.bitmask(hit1) << 4);
      mask |= (i32x4.bitmask(hit2) << 8) | (i32x4.bitmask(hit3) << 12);
      for (; mask !== 0; mask &= mask - 1) {
        const query = q + ctz(mask);
        const place = query << 2;
        if (load<i32>(own + place) === row) continue;
        const heap = (query * places) << 2;
        let score = load<f32>(products + place);
        if (factors !== 0) {
          score = score * load<f32>(scales + (r << 2)) * load<f32>(factors + place);
          score += load<f32>(offsets + (r << 2));
        }
        const count = load<i32>(counts + place);
        if (count < places) {
          rise(scores + heap, members + heap, count, score, row);
          store<i32>(counts + place, count + 1);
          if (count + 1 < places) continue;
        } else {
          sink(scores + heap, members + heap, places, score, row);
        }
        store<f32>(thresholds + place, load<f32>(scores + heap));
      }
    }
  }
}

/** Adds an entry to a heap of `count`. */
function rise(scores: usize, members: usize, count: i32, score: f32, member: i32): void {
  let k = count;
  while (k > 0) {
    const parent = (k - 1) >> 1;
    const above = load<f32>(scores + (<usize>parent << 2));
    if (above <= score) break;
    store<f32>(scores + (<usize>k << 2), above);
    store<i32>(members + (<usize>k << 2), load<i32>(members + (<usize>parent << 2)));
    k = parent;
  }
  store<f32>(scores + (<usize>k << 2), score);
  store<i32>(members + (<usize>k << 2), member);
}

/** Puts an entry in the place of the lowest one. */
function sink(scores: usize, members: usize, count: i32, score: f32, member: i32): void {
  let k = 0;
  for (;;) {
    let child = 2 * k + 1;
    if (child >= count) break;
    let value = load<f32>(scores + (<usize>child << 2));
    if (child + 1 < count) {
      const other = load<f32>(scores + (<usize>child << 2), 4);
      if (other < value) {
        value = other;
        child++;
      }
    }
    if (value >= score) break;
    store<f32>(scores + (<usize>k << 2), value);
    store<i32>(members + (<usize>k << 2), load<i32>(members + (<usize>child << 2)));
    k = child;
  }
  store<f32>(scores + (<usize>k << 2), score);
  store<i32>(members + (<usize>k << 2), member);
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

/** Squares of two columns' weighted differences: see `addSquares`. */
// @ts-ignore: decorator
@inline
function squaresOf(q: v128, r: v128, centre: v128, weight: v128, left: v128, right: v128): v128 {
  const difference = f64x2.sub(f64x2.mul(f64x2.sub(q, centre), left), f64x2.mul(f64x2.sub(r, centre), right));
  return f64x2.mul(weight, f64x2.mul(difference, difference));
}

/**
 * Adds weight_j ((p_qj - mean_j) left - (p_rj - mean_j) right)^2 of every pair (q, r) to its sum, float64 [count]: pairs
 * int32 [count, 2], left and right float64 [count], p_qj in `queries` and p_rj in `src`. The sum is taken over four columns
 * at a time, in an order that depends on nothing but j.
 */
export function addSquares(
  queries: usize,
  queryStride: usize,
  src: usize,
  columnStride: usize,
  columns: usize,
  mean: usize,
  weights: usize,
  pairs: usize,
  count: usize,
  left: usize,
  right: usize,
  sums: usize,
): void {
  let first: usize = 0;
  for (; first + 4 <= columns; first += 4) {
    const fromQueries = queries + first * queryStride;
    const fromRows = src + first * columnStride;
    const m0 = v128.load(mean + (first << 3));
    const m1 = v128.load(mean + (first << 3), 16);
    const w0 = v128.load(weights + (first << 3));
    const w1 = v128.load(weights + (first << 3), 16);
    for (let k: usize = 0; k < count; k++) {
      const q = fromQueries + (<usize>load<u32>(pairs + (k << 3)) << 2);
      const r = fromRows + (<usize>load<u32>(pairs + (k << 3), 4) << 2);
      const a = v128.load64_splat(left + (k << 3));
      const b = v128.load64_splat(right + (k << 3));
      const sum = f64x2.add(
        squaresOf(pairOf(q, queryStride), pairOf(r, columnStride), m0, w0, a, b),
        squaresOf(
          pairOf(q + 2 * queryStride, queryStride),
          pairOf(r + 2 * columnStride, columnStride),
          m1,
          w1,
          a,
          b,
        ),
      );
      const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
      store<f64>(sums + (k << 3), load<f64>(sums + (k << 3)) + total);
    }
  }
  for (let j = first; j < columns; j++) {
    const m = load<f64>(mean + (j << 3));
    const w = load<f64>(weights + (j << 3));
    for (let k: usize = 0; k < count; k++) {
      const q = <f64>load<f32>(queries + j * queryStride + (<usize>load<u32>(pairs + (k << 3)) << 2));
      const r = <f64>load<f32>(src + j * columnStride + (<usize>load<u32>(pairs + (k << 3), 4) << 2));
      const difference = (q - m) * load<f64>(left + (k << 3)) - (r - m) * load<f64>(right + (k << 3));
      store<f64>(sums + (k << 3), load<f64>(sums + (k << 3)) + w * (difference * difference));
    }
  }
}
