import { range, sum } from './sums.js';
import type { Row, Tables } from './tables.js';

/** Input that the tables follow from: V tokens, d eigenvectors. */
export interface ReferenceInput {
  /** Projections p, [V, d], as stored. */
  projections: Float32Array;
  /** Rows gamma, [V, d]. */
  gamma: Float32Array;
  eigenvalues: Float64Array;
  covarianceEigenvalues: Float64Array | null;
  /** [d, d], as stored. */
  eigenvectors: Float32Array;
  /** Null without a tokenizer. */
  token: ((id: number) => { text: string | null; isSpecial: boolean; isByte: boolean }) | null;
  top: number;
  clusterThreshold: number;
  histogram: { bins: number; lower: number; upper: number };
}

const degrees = (cosine: number) => (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
const mean = (values: readonly number[]) => sum(values) / values.length;
const deviation = (values: readonly number[]) => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
};

/** The tables by their formulas, in float64, one value after the other. Quantiles are those of the sorted values. */
export function referenceTables(input: ReferenceInput): Tables {
  const d = input.eigenvalues.length;
  const V = input.projections.length / d;
  const { eigenvalues: lambda, token } = input;
  const p = range(V).map((i) => Array.from(input.projections.subarray(i * d, (i + 1) * d)));
  const root = Array.from(lambda, Math.sqrt);
  const mu = range(d).map((k) => mean(range(V).map((i) => input.gamma[i * d + k]!)));
  const m = range(d).map((j) => sum(range(d).map((k) => mu[k]! * input.eigenvectors[k * d + j]!)));
  const norm = p.map((row) => Math.sqrt(sum(row.map((x) => x * x))));
  const causal = p.map((row) => Math.sqrt(sum(row.map((x, j) => lambda[j]! * x * x))));
  const text = (id: number) => token?.(id).text ?? null;

  const tokens = range(V).map((i): Row => {
    const row = p[i]!;
    const z = row.map((x, j) => root[j]! * x);
    const isZero = norm[i] === 0;
    const stored = input.gamma.subarray(i * d, (i + 1) * d);
    const twins = range(V).filter((k) =>
      stored.every((x, j) => Object.is(x, input.gamma[k * d + j]) || x === input.gamma[k * d + j]),
    );
    const strongest = range(d).sort((a, b) => Math.abs(z[b]!) - Math.abs(z[a]!) || a - b);
    const dot = (weight: (j: number) => number) => sum(row.map((x, j) => weight(j) * x * m[j]!));
    const muNorm = (weight: (j: number) => number) => Math.sqrt(sum(m.map((x, j) => weight(j) * x * x)));
    const one = () => 1;
    const weight = (j: number) => lambda[j]!;
    return {
      token_id: i,
      text: text(i),
      is_orphan: token === null ? null : text(i) === null,
      is_special: token?.(i).isSpecial ?? null,
      is_byte: token?.(i).isByte ?? null,
      duplicate_group: twins.length > 1 ? twins[0]! : null,
      norm: norm[i]!,
      causal_norm: causal[i]!,
      centred_norm: Math.sqrt(sum(row.map((x, j) => (x - m[j]!) ** 2))),
      centred_causal_norm: Math.sqrt(sum(row.map((x, j) => lambda[j]! * (x - m[j]!) ** 2))),
      distortion: isZero ? null : causal[i]! / norm[i]!,
      centroid_cosine: isZero ? null : dot(one) / (norm[i]! * muNorm(one)),
      causal_centroid_cosine: isZero ? null : dot(weight) / (causal[i]! * muNorm(weight)),
      participation: isZero ? null : sum(z.map((x) => x ** 2)) ** 2 / sum(z.map((x) => x ** 4)),
      logit_bias: null,
      ...Object.fromEntries(
        strongest.slice(0, 8).flatMap((j, place) => [
          [`direction_${place + 1}`, j],
          [`direction_${place + 1}_z`, z[j]!],
        ]),
      ),
      norm_error: Math.abs(Math.sqrt(sum(Array.from(stored, (x) => x * x))) - norm[i]!),
    };
  });

  const measures = {
    projection: (i: number, j: number) => p[i]![j]!,
    euclidean_cosine: (i: number, j: number) => p[i]![j]! / norm[i]!,
    causal_cosine: (i: number, j: number) => (root[j]! * p[i]![j]!) / causal[i]!,
  };
  const nonZero = range(V).filter((i) => norm[i]! > 0);
  const extremes: Row[] = [];
  for (let j = 0; j < d; j++) {
    for (const [measure, value] of Object.entries(measures)) {
      for (const side of ['+', '-']) {
        const sign = side === '+' ? 1 : -1;
        const candidates = measure === 'projection' ? range(V) : [...nonZero];
        const best = candidates.sort((a, b) => sign * (value(b, j) - value(a, j)) || a - b);
        for (const [place, i] of best.slice(0, input.top).entries()) {
          const cosine = measure === 'causal_cosine' ? value(i, j) : measures.euclidean_cosine(i, j);
          extremes.push({
            index: j,
            side,
            measure,
            place: place + 1,
            token_id: i,
            text: text(i),
            value: value(i, j),
            angle: norm[i] === 0 ? null : degrees(cosine),
          });
        }
      }
    }
  }

  const { bins, lower, upper } = input.histogram;
  const edge = (bin: number) => lower + ((upper - lower) * bin) / bins;
  const histograms: Row[] = [];
  for (let j = 0; j < d; j++) {
    const counts = new Array<number>(bins).fill(0);
    for (const row of p) {
      const z = root[j]! * row[j]!;
      let bin = 0;
      while (bin < bins - 1 && z >= edge(bin + 1)) bin++;
      counts[bin]!++;
    }
    for (const [bin, count] of counts.entries()) {
      histograms.push({ index: j, bin, lower: edge(bin), upper: edge(bin + 1), count });
    }
  }

  const share = sum(m.map((x, j) => lambda[j]! * x * x));
  let cluster = 0;
  const variance = range(d).map((j) => deviation(p.map((row) => row[j]!)) ** 2);
  // The index tells the rank where the metric is the data's own, which it is not known to be without a ridge.
  const byVariance = range(d).sort((a, b) => variance[b]! - variance[a]! || a - b);
  const rank = (j: number) => (input.covarianceEigenvalues === null ? byVariance.indexOf(j) : j) + 1;
  const eigenvectors = range(d).map((j): Row => {
    const column = p.map((row) => row[j]!);
    const centre = mean(column);
    const moment = (power: number) => mean(column.map((x) => (x - centre) ** power));
    const gaps = [j - 1, j + 1].filter((k) => k >= 0 && k < d).map((k) => Math.abs(lambda[k]! - lambda[j]!));
    if (j > 0 && lambda[j]! - lambda[j - 1]! >= input.clusterThreshold * lambda[j - 1]!) cluster++;
    const sorted = column.toSorted((a, b) => a - b);
    const [minimum, maximum] = [sorted[0]!, sorted.at(-1)!];
    const quantile = (q: number) => {
      const at = q * (V - 1);
      const below = sorted[Math.floor(at)]!;
      return below + (at % 1) * (sorted[Math.min(V - 1, Math.floor(at) + 1)]! - below);
    };
    const angles = (name: string, cosine: (i: number, j: number) => number) => {
      const cosines = nonZero.map((i) => cosine(i, j));
      const theta = cosines.map(degrees);
      const folded = theta.map((angle) => Math.min(angle, 180 - angle));
      const aligned = (hundredths: number) =>
        cosines.filter((value) => Math.abs(value) >= hundredths / 100).length;
      return {
        [`${name}_angle_mean`]: mean(theta),
        [`${name}_angle_std`]: deviation(theta),
        [`${name}_angle_minimum`]: Math.min(...theta),
        [`${name}_angle_maximum`]: Math.max(...theta),
        [`${name}_folded_angle_mean`]: mean(folded),
        [`${name}_folded_angle_std`]: deviation(folded),
        ...Object.fromEntries([10, 20, 30, 50, 70].map((t) => [`${name}_aligned_${t}`, aligned(t)])),
      };
    };
    return {
      index: j,
      rank_by_variance: rank(j),
      eigenvalue: lambda[j]!,
      covariance_eigenvalue: input.covarianceEigenvalues?.[j] ?? null,
      relative_gap: Math.min(...gaps) / lambda[j]!,
      cluster,
      mean: centre,
      variance: moment(2),
      skewness: moment(3) / moment(2) ** 1.5,
      kurtosis: moment(4) / moment(2) ** 2,
      minimum,
      maximum,
      minimum_token_id: column.indexOf(minimum),
      maximum_token_id: column.indexOf(maximum),
      extent_minimum: root[j]! * minimum,
      extent_maximum: root[j]! * maximum,
      diameter: root[j]! * maximum - root[j]! * minimum,
      ...angles('euclidean', measures.euclidean_cosine),
      ...angles('causal', measures.causal_cosine),
      ...Object.fromEntries(
        [1, 5, 10, 25, 50, 75, 90, 95, 99].map((percent) => [
          `quantile_${String(percent).padStart(2, '0')}`,
          quantile(percent / 100),
        ]),
      ),
      centroid_coordinate: m[j]!,
      centroid_share: (lambda[j]! * m[j]! * m[j]!) / share,
    };
  });
  return { tokens, eigenvectors, extremes, histograms };
}
