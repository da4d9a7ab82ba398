// Kernels over products of tokens with vectors. Pointers are byte offsets into the imported memory, all on 16 bytes.

/** Measures of a token beside a vector: their product, its quotient by the token's norm, and by its causal norm. */
const MEASURES = 3;
/** Lists of a vector: the largest and the smallest values of each measure. */
const LISTS = 2 * MEASURES;
/** Vectors that all rows are offered to before the next ones, so that their sums and floors stay in the first cache. */
const BLOCK: usize = 512;
/** Float32 products are off by a few units of 2^-24: what a floor leaves out is certainly below it. */
const MARGIN: f64 = 1e-6;

/**
 * Offers the products x of some tokens with all vectors (float32 [rows, vectors], vectors a multiple of 4) to the lists
 * of the vectors, and adds x and x^2 to sums (float64 [2, vectors]).
 *
 * List 2 m + s of a vector holds the `top` tokens of the largest (s = 0) or smallest (s = 1) measure m: keys (float64
 * [vectors, 6, top], falling; negated values for the smallest) and tokens (int32, the same shape, -1 where there is none
 * yet). Tokens come in rising order from firstToken on, so that of equal keys the first one stays. norms (float64 [2,
 * rows]) are the tokens' two norms; a token of norm 0 has only a product. floors (float32 [6, vectors]) are what a value
 * must pass to be looked at: for the largest -Infinity at the start and Infinity for a list that is not wanted, for the
 * smallest, which are not negated here, the other way round.
 */
export function offerTokens(
  products: usize,
  rows: usize,
  vectors: usize,
  firstToken: i32,
  norms: usize,
  top: usize,
  sums: usize,
  floors: usize,
  keys: usize,
  tokens: usize,
): void {
  for (let first: usize = 0; first < vectors; first += BLOCK) {
    const end = min(vectors, first + BLOCK);
    for (let i: usize = 0; i < rows; i++) {
      const norm = load<f64>(norms + (i << 3));
      const causalNorm = load<f64>(norms + ((rows + i) << 3));
      const row = products + ((i * vectors) << 2);
      offerToken(row, first, end, vectors, firstToken + <i32>i, norm, causalNorm, top, sums, floors, keys, tokens);
    }
  }
}

/** Offers the products of one token with the vectors [first, end), of which `row` begins with that of vector 0. */
// @ts-ignore: decorator
@inline
function offerToken(
  row: usize,
  first: usize,
  end: usize,
  vectors: usize,
  token: i32,
  norm: f64,
  causalNorm: f64,
  top: usize,
  sums: usize,
  floors: usize,
  keys: usize,
  tokens: usize,
): void {
  const floorBytes = vectors << 2;
  const squares = sums + (vectors << 3);
  const inverse = f32x4.splat(inverseOf(norm));
  const causalInverse = f32x4.splat(inverseOf(causalNorm));
  for (let v = first; v < end; v += 4) {
    const at = v << 2;
    const x = v128.load(row + at);
    addMoments(x, sums + (v << 3), squares + (v << 3));
    const cosine = f32x4.mul(x, inverse);
    const causal = f32x4.mul(x, causalInverse);
    const floor = floors + at;
    // What is no number is not below a floor, and is looked at.
    const isBelow = v128.and(
      v128.and(isBetween(x, floor, floorBytes), isBetween(cosine, floor + 2 * floorBytes, floorBytes)),
      isBetween(causal, floor + 4 * floorBytes, floorBytes),
    );
    if (i32x4.all_true(isBelow)) continue;
    for (let lane: usize = 0; lane < 4; lane++) {
      const vector = v + lane;
      const value = <f64>load<f32>(row + (vector << 2));
      const lists = vector * LISTS * top;
      offerValue(value, token, top, floors + (vector << 2), floorBytes, keys + (lists << 3), tokens + (lists << 2));
      if (norm > 0) {
        const from = lists + 2 * top;
        const list = floors + (vector << 2) + 2 * floorBytes;
        offerValue(value / norm, token, top, list, floorBytes, keys + (from << 3), tokens + (from << 2));
      }
      if (causalNorm > 0) {
        const from = lists + 4 * top;
        const list = floors + (vector << 2) + 4 * floorBytes;
        offerValue(value / causalNorm, token, top, list, floorBytes, keys + (from << 3), tokens + (from << 2));
      }
    }
  }
}

/** Inverse of a norm; no number where a float32 product with it could overflow or vanish, 0 for a norm of 0. */
// @ts-ignore: decorator
@inline
function inverseOf(norm: f64): f32 {
  if (norm == 0) return 0;
  return norm > 1e-18 && norm < 1e18 ? <f32>(1 / norm) : NaN;
}

// @ts-ignore: decorator
@inline
function isBetween(values: v128, floor: usize, floorBytes: usize): v128 {
  return v128.and(
    f32x4.lt(values, v128.load(floor)),
    f32x4.gt(values, v128.load(floor + floorBytes)),
  );
}

// @ts-ignore: decorator
@inline
function addMoments(x: v128, sums: usize, squares: usize): void {
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
  v128.store(sums, f64x2.add(v128.load(sums), low));
  v128.store(sums + 16, f64x2.add(v128.load(sums + 16), high));
  v128.store(squares, f64x2.add(v128.load(squares), f64x2.mul(low, low)));
  v128.store(squares + 16, f64x2.add(v128.load(squares + 16), f64x2.mul(high, high)));
}

/** Offers a value to the two lists of a measure, of the largest and of the smallest. */
function offerValue(
  value: f64,
  token: i32,
  top: usize,
  floor: usize,
  floorBytes: usize,
  keys: usize,
  tokens: usize,
): void {
  if (load<f32>(floor) < Infinity && insert(value, token, top, keys, tokens)) {
    const last = load<f64>(keys + ((top - 1) << 3));
    store<f32>(floor, <f32>(last - abs(last) * MARGIN));
  }
  const other = floor + floorBytes;
  if (load<f32>(other) > -Infinity && insert(-value, token, top, keys + (top << 3), tokens + (top << 2))) {
    const last = -load<f64>(keys + ((2 * top - 1) << 3));
    store<f32>(other, <f32>(last + abs(last) * MARGIN));
  }
}

/** Puts a token behind all whose key is not smaller. Returns whether it was put in and the list is full. */
function insert(key: f64, token: i32, top: usize, keys: usize, tokens: usize): bool {
  let k = top - 1;
  if (key != key || (load<i32>(tokens + (k << 2)) >= 0 && !(key > load<f64>(keys + (k << 3))))) return false;
  for (; k > 0; k--) {
    const before = load<i32>(tokens + ((k - 1) << 2));
    const other = load<f64>(keys + ((k - 1) << 3));
    if (before >= 0 && !(key > other)) break;
    store<i32>(tokens + (k << 2), before);
    store<f64>(keys + (k << 3), other);
  }
  store<i32>(tokens + (k << 2), token);
  store<f64>(keys + (k << 3), key);
  return load<i32>(tokens + ((top - 1) << 2)) >= 0;
}
