/** Metrics in which concepts are measured: that of the plain dot product, and M. */
export const conceptMetrics = ['euclidean', 'causal'] as const;
/** Metric in which concepts are measured. */
export type ConceptMetric = (typeof conceptMetrics)[number];

/** A figure in both metrics. */
export type InMetrics<Value> = Record<ConceptMetric, Value>;

/** Rows of some tokens, in the coordinates of the eigenbasis. */
export interface TokenRows {
  /** float32 [tokens, d] row-major. */
  values: Float32Array;
  d: number;
  /** Weights of the squares of coordinates, [d] each: 1, and lambda. */
  weights: InMetrics<Float64Array>;
}

/** Pairs of one concept: places of their tokens among the rows, [pairs] each. */
export interface PairList {
  a: Int32Array;
  b: Int32Array;
}

/** Figures of the pairs of one concept, and of their mean difference. */
export interface MeasuredList {
  /** Mean of the differences b - a, [d]; zeros where there is no pair. */
  mean: Float64Array;
  /** Its norms; 0 where the concept has no direction. */
  norms: InMetrics<number>;
  /** Norms of the differences, [pairs]. */
  pairNorms: InMetrics<Float64Array>;
  /** Cosines of the differences with the mean of the others, [pairs]; NaN where there is none. */
  leaveOneOut: InMetrics<Float64Array>;
  /** How many others there are, [pairs]: those that share a token with the pair are left out with it. */
  others: Int32Array;
}

/** A sum of differences that is smaller than this share of their lengths is rounding. */
const LEAST_SHARE = 1e-12;

/**
 * Measures the pairs of a concept. All figures are made of sums of weighted products of coordinates, so they depend on the
 * metric, and on no square root of it.
 */
export function measureList(list: PairList, rows: TokenRows): MeasuredList {
  const { d, weights } = rows;
  const count = list.a.length;
  const total = new Float64Array(d);
  const delta = new Float64Array(d);
  const sums = new SharedSums(list, d);
  let lengths = 0;
  for (let k = 0; k < count; k++) {
    difference(list, rows, k, delta);
    addTo(total, delta);
    sums.add(k, delta);
    lengths += Math.sqrt(weightedProduct(delta, delta, weights.euclidean));
  }
  const mean = total.map((sum) => (count === 0 ? 0 : sum / count));
  const isRounding = (sum: Float64Array) =>
    !(Math.sqrt(weightedProduct(sum, sum, weights.euclidean)) > LEAST_SHARE * lengths);
  const inMetrics = <Value>(of: (weight: Float64Array) => Value): InMetrics<Value> => ({
    euclidean: of(weights.euclidean),
    causal: of(weights.causal),
  });
  const numbers = () => ({ euclidean: new Float64Array(count), causal: new Float64Array(count) });
  const measured: MeasuredList = {
    mean,
    norms: isRounding(total)
      ? { euclidean: 0, causal: 0 }
      : inMetrics((weight) => Math.sqrt(weightedProduct(mean, mean, weight))),
    pairNorms: numbers(),
    leaveOneOut: numbers(),
    others: new Int32Array(count),
  };
  const rest = new Float64Array(d);
  for (let k = 0; k < count; k++) {
    difference(list, rows, k, delta);
    measured.others[k] = sums.othersOf(k, { delta, total }, rest);
    const hasRest = measured.others[k]! > 0 && !isRounding(rest);
    for (const metric of conceptMetrics) {
      const weight = weights[metric];
      measured.pairNorms[metric][k] = Math.sqrt(weightedProduct(delta, delta, weight));
      measured.leaveOneOut[metric][k] = hasRest ? weightedCosine(delta, rest, weight) : Number.NaN;
    }
  }
  return measured;
}

/** Cosine of two vectors where squares are weighted; NaN of a vector of zeros. @param weight [d] */
export function weightedCosine(x: Float64Array, y: Float64Array, weight: Float64Array): number {
  const squares = weightedProduct(x, x, weight) * weightedProduct(y, y, weight);
  return squares > 0 ? weightedProduct(x, y, weight) / Math.sqrt(squares) : Number.NaN;
}

/** sum_j weight_j x_j y_j. */
export function weightedProduct(x: Float64Array, y: Float64Array, weight: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += weight[j]! * x[j]! * y[j]!;
  return sum;
}

/** Puts the difference b - a of a pair into `out`, [d]. */
export function difference(
  { a, b }: PairList,
  { values, d }: Pick<TokenRows, 'values' | 'd'>,
  pair: number,
  out: Float64Array,
): void {
  const [from, to] = [a[pair]! * d, b[pair]! * d];
  for (let j = 0; j < d; j++) out[j] = values[to + j]! - values[from + j]!;
}

function addTo(sum: Float64Array, term: Float64Array): void {
  for (let j = 0; j < sum.length; j++) sum[j]! += term[j]!;
}

/**
 * Sums of the differences of the pairs in which a token stands, for those that stand in several: what is left out with a pair
 * is then found without a look at all the others.
 */
class SharedSums {
  readonly #list: PairList;
  readonly #pairsOf = new Map<number, number>();
  readonly #sums = new Map<number, Float64Array>();
  /** How many pairs there are of two tokens, in this order. */
  readonly #alike = new Map<string, number>();

  constructor(list: PairList, d: number) {
    this.#list = list;
    for (const [k, a] of list.a.entries()) {
      const b = list.b[k]!;
      for (const token of [a, b]) this.#pairsOf.set(token, (this.#pairsOf.get(token) ?? 0) + 1);
      this.#alike.set(`${a} ${b}`, this.#alikeOf(a, b) + 1);
    }
    for (const [token, pairs] of this.#pairsOf) if (pairs > 1) this.#sums.set(token, new Float64Array(d));
  }

  add(pair: number, delta: Float64Array): void {
    for (const token of [this.#list.a[pair]!, this.#list.b[pair]!]) {
      const sum = this.#sums.get(token);
      if (sum !== undefined) addTo(sum, delta);
    }
  }

  /**
   * Sums the differences of the pairs that share no token with one of them.
   *
   * @param of the difference of the pair, and the sum of all
   * @param rest takes the sum, [d]
   * @returns their number
   */
  othersOf(
    pair: number,
    { delta, total }: { delta: Float64Array; total: Float64Array },
    rest: Float64Array,
  ): number {
    const [a, b] = [this.#list.a[pair]!, this.#list.b[pair]!];
    const [same, reversed] = [this.#alikeOf(a, b), this.#alikeOf(b, a)];
    const [ofA, ofB] = [this.#sums.get(a) ?? delta, this.#sums.get(b) ?? delta];
    // Pairs of both tokens are in both sums.
    const twice = same - reversed;
    for (let j = 0; j < rest.length; j++) rest[j] = total[j]! - (ofA[j]! + ofB[j]! - twice * delta[j]!);
    return this.#list.a.length - (this.#pairsOf.get(a)! + this.#pairsOf.get(b)! - same - reversed);
  }

  #alikeOf(a: number, b: number): number {
    return this.#alike.get(`${a} ${b}`) ?? 0;
  }
}
