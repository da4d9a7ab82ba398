import {
  conceptMetrics,
  type InMetrics,
  type MeasuredList,
  measureList,
  type PairList,
  type TokenRows,
  weightedProduct,
} from './concept-geometry.js';

/** Figures of several concepts. */
export interface MeasuredSet {
  /** By concept. */
  lists: MeasuredList[];
  /** Cosines of their directions, [n, n] row-major; NaN where one has none. */
  cosines: InMetrics<Float64Array>;
}

/** Measures concepts, and how their directions lie to each other. */
export function measureSet(lists: readonly PairList[], rows: TokenRows): MeasuredSet {
  const measured = lists.map((list) => measureList(list, rows));
  const count = lists.length;
  const cosines = { euclidean: new Float64Array(count * count), causal: new Float64Array(count * count) };
  for (const metric of conceptMetrics)
    for (const [i, one] of measured.entries())
      for (let j = i; j < count; j++) {
        const other = measured[j]!;
        const norms = one.norms[metric] * other.norms[metric];
        const product = norms > 0 ? weightedProduct(one.mean, other.mean, rows.weights[metric]) : Number.NaN;
        const cosine = product / norms;
        cosines[metric][i * count + j] = cosine;
        cosines[metric][j * count + i] = cosine;
      }
  return { lists: measured, cosines };
}

/** Mean of the numbers that there are; NaN where there is none. */
export function meanOfKnown(values: Iterable<number>): number {
  let [sum, count] = [0, 0];
  for (const value of values)
    if (!Number.isNaN(value)) {
      sum += value;
      count++;
    }
  return sum / count;
}

/** Standard deviation of the numbers that there are, of two or more; NaN otherwise. */
export function deviationOfKnown(values: Iterable<number>): number {
  const known = [...values].filter((value) => !Number.isNaN(value));
  if (known.length < 2) return Number.NaN;
  const mean = meanOfKnown(known);
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1));
}

/** Mean leave-one-out cosine of every concept, [n]. */
export function leaveOneOutMeans(lists: readonly MeasuredList[]): InMetrics<Float64Array> {
  const of = (metric: keyof InMetrics<number>) =>
    Float64Array.from(lists, ({ leaveOneOut }) => meanOfKnown(leaveOneOut[metric]));
  return { euclidean: of('euclidean'), causal: of('causal') };
}

/** Mean |cos| between two different concepts; NaN where no two have directions. */
export function meanBetween({ lists, cosines }: MeasuredSet): InMetrics<number> {
  const of = (metric: keyof InMetrics<number>) => meanOfKnown(absoluteAbove(cosines[metric], lists.length));
  return { euclidean: of('euclidean'), causal: of('causal') };
}

function* absoluteAbove(matrix: Float64Array, count: number): Generator<number> {
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) yield Math.abs(matrix[i * count + j]!);
}

/** Mean |cos| of two independent random directions, as d grows: sqrt(2 / (pi d)). */
export function independentCosine(d: number): number {
  return Math.sqrt(2 / (Math.PI * d));
}
