import type { ExecutionContext } from 'ava';
import test from 'ava';
import { metricMatches } from '../../src/checks/covariance-identities.js';
import { type Expected, expectedMetric, metricEpsilon } from '../../src/checks/expected.js';
import { checkProjections } from '../../src/checks/identities.js';
import { type Measurements, mergeMeasurements } from '../../src/checks/measurements.js';
import { type RowDeviation, RowTolerances, worse } from '../../src/checks/row-deviation.js';
import { type Check, judge } from '../../src/checks/verdict.js';
import { randomOrthogonal, seededRandom } from '../helpers/random.js';

const ridge = 1e-6;

/** A vocabulary whose covariance and eigenbasis are known without an eigensolver. */
interface Exact {
  V: number;
  d: number;
  /** gamma [V, d]. */
  gamma: Float64Array;
  /** Columns are the eigenvectors of gamma's covariance, by descending c. */
  basis: Float64Array;
  /** gamma . basis, [V, d]. */
  projections: Float64Array;
  c: Float64Array;
  lambda: Float64Array;
}

/**
 * gamma = (m + sqrt(c) h) Q^T, h from the columns of a Hadamard matrix: they are orthogonal, of mean 0 and variance
 * 1, so the covariance is Q diag(c) Q^T and the mean Q m up to the rounding of float64.
 */
function exactVocabulary(V: number, d: number): Exact {
  const basis = randomOrthogonal(d, 1);
  const random = seededRandom(2);
  const c = Float64Array.from({ length: d }, (_, j) => 1e-2 / (j + 1) ** 2);
  const m = Float64Array.from({ length: d }, () => 0.1 * random());
  const projections = new Float64Array(V * d);
  for (let i = 0; i < V; i++) {
    for (let j = 0; j < d; j++) projections[i * d + j] = m[j]! + Math.sqrt(c[j]!) * hadamard(i, j + 1);
  }
  const gamma = new Float64Array(V * d);
  for (let i = 0; i < V; i++) {
    for (let k = 0; k < d; k++) {
      for (let j = 0; j < d; j++) gamma[i * d + k]! += projections[i * d + j]! * basis[k * d + j]!;
    }
  }
  return { V, d, gamma, basis, projections, c, lambda: c.map((value) => 1 / (value + ridge)) };
}

/** Entry (i, j) of Sylvester's Hadamard matrix: the parity of the bits in common. */
function hadamard(i: number, j: number): number {
  let sign = 1;
  for (let common = i & j; common > 0; common &= common - 1) sign = -sign;
  return sign;
}

/** What a verification measurements of rows [first, end), from their projections as they lie on disk. */
function measure(exact: Exact, stored: Float64Array, first = 0, end = exact.V): Measurements {
  const { d, gamma, lambda } = exact;
  const r = Float64Array.from({ length: d }, (_, j) => hadamard(j, 5) / Math.sqrt(d));
  const image = Float64Array.from({ length: d }, (_, k) => dot(exact.basis, k * d, r, d));
  const tolerances = new RowTolerances(d, 'blocks', { entries: 1, weights: 0 });
  const none = { relative: 0, tolerance: tolerances.probe({ weights: 0, projections: 0 }), row: first };
  const columns = {
    sums: new Float64Array(d),
    sumsOfSquares: new Float64Array(d),
    sumsOfCubes: new Float64Array(d),
    sumsOfFourths: new Float64Array(d),
    minima: new Float64Array(d).fill(Number.POSITIVE_INFINITY),
    maxima: new Float64Array(d).fill(Number.NEGATIVE_INFINITY),
    gammaSums: new Float64Array(d),
  };
  const measurements: Measurements = {
    ...columns,
    problems: [],
    rows: end - first,
    gammaSquares: 0,
    rowKeys: new Float64Array(end - first),
    weights: {
      differences: new Float64Array(d),
      compared: end - first,
      equal: new Float64Array(d),
      opposite: new Float64Array(d),
      repeated: new Float64Array(d),
      bits: 0,
    },
    normDifference: { maximum: 0, sum: 0, ...none },
    probe: none,
    alongProbe: {
      minimum: Number.POSITIVE_INFINITY,
      maximum: Number.NEGATIVE_INFINITY,
      sum: 0,
      sumOfSquares: 0,
    },
    norm: { minimum: Number.POSITIVE_INFINITY, maximum: 0, sum: 0, sumOfSquares: 0 },
    causalNorm: { minimum: Number.POSITIVE_INFINITY, maximum: 0, sum: 0, sumOfSquares: 0 },
  };
  for (let row = first; row < end; row++) {
    const at = row * d;
    const p = stored.subarray(at, at + d);
    for (let j = 0; j < d; j++) {
      columns.sums[j]! += p[j]!;
      columns.sumsOfSquares[j]! += p[j]! * p[j]!;
      columns.sumsOfCubes[j]! += p[j]! ** 3;
      columns.sumsOfFourths[j]! += p[j]! ** 4;
      columns.minima[j] = Math.min(columns.minima[j]!, p[j]!);
      columns.maxima[j] = Math.max(columns.maxima[j]!, p[j]!);
      columns.gammaSums[j]! += gamma[at + j]!;
    }
    const squares = dot(gamma, at, gamma.subarray(at, at + d), d);
    measurements.gammaSquares += squares;
    const norm = Math.sqrt(dot(p, 0, p, d));
    const causal = Math.sqrt(p.reduce((sum, value, j) => sum + lambda[j]! * value * value, 0));
    for (const [moments, value] of [
      [measurements.norm, norm],
      [measurements.causalNorm, causal],
      [measurements.alongProbe, dot(p, 0, r, d)],
    ] as const) {
      moments.minimum = Math.min(moments.minimum, value);
      moments.maximum = Math.max(moments.maximum, value);
      moments.sum += value;
      moments.sumOfSquares += value * value;
    }
    measurements.rowKeys[row - first] = dot(gamma, at, image, d);
    const { normDifference, probe } = measurements;
    const difference = Math.abs(norm - Math.sqrt(squares));
    const spread = { weights: concentration(gamma.subarray(at, at + d)), projections: concentration(p) };
    measurements.normDifference = {
      maximum: Math.max(normDifference.maximum, difference),
      sum: normDifference.sum + difference,
      ...worst(normDifference, {
        relative: difference / Math.sqrt(squares),
        tolerance: tolerances.norm(spread),
        row,
      }),
    };
    const missed = Math.abs(dot(p, 0, r, d) - dot(gamma, at, image, d));
    const relative = missed / Math.sqrt(squares);
    measurements.probe = worst(probe, { relative, tolerance: tolerances.probe(spread), row });
  }
  return measurements;
}

function concentration(values: Float64Array): number {
  const [squares, fourths] = [2, 4].map((power) => values.reduce((sum, x) => sum + x ** power, 0)) as [
    number,
    number,
  ];
  return Number.isFinite(fourths / squares ** 2) ? fourths / squares ** 2 : 1;
}

function worst(a: RowDeviation, b: RowDeviation): RowDeviation {
  const { relative, tolerance, row } = worse(a, b);
  return { relative, tolerance, row };
}

function dot(a: Float64Array, at: number, b: Float64Array, d: number): number {
  let sum = 0;
  for (let j = 0; j < d; j++) sum += a[at + j]! * b[j]!;
  return sum;
}

/** What the measurements are compared with: mu . v_j from the checkpoint's side. */
function expectedOf(exact: Exact, measurements: Measurements, changes: Partial<Expected> = {}): Expected {
  const { d, basis, c, lambda } = exact;
  const meanProjections = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    for (let j = 0; j < d; j++) {
      meanProjections[j]! += (measurements.gammaSums[k]! / measurements.rows) * basis[k * d + j]!;
    }
  }
  return {
    eigenvalues: lambda,
    covarianceEigenvalues: c,
    eigenvectors: Float32Array.from(basis),
    summation: 'blocks',
    ridge,
    meanProjections,
    metric: { source: 'computed', secondMoment: 'centred' },
    weights: null,
    ...changes,
  };
}

const exact = exactVocabulary(256, 24);
const asStored = Float64Array.from(Float32Array.from(exact.projections));

/** The names of the checks that do not pass, for projections that `spoil` changed after they were computed. */
function failing(t: ExecutionContext, spoil: (projections: Float64Array) => void): string[] {
  const spoiled = asStored.slice();
  spoil(spoiled);
  const measurements = measure(exact, spoiled);
  return report(t, checkProjections(mergeMeasurements([measurements]), expectedOf(exact, measurements)));
}

function report(t: ExecutionContext, checks: readonly Check[]): string[] {
  for (const { name, verdict, measured, tolerance } of checks) {
    t.log(`${name}: ${verdict}, ${measured?.toExponential(2)} of ${tolerance?.toExponential(2)}`);
  }
  return checks.filter(({ verdict }) => verdict !== 'passed').map(({ name }) => name);
}

const everyIdentity = ['row norms', 'probe', 'column means', 'column variances', 'mean causal norm'];

test('exact projections, rounded to float32, pass every check', (t) => {
  for (const [V, d] of [
    [2, 1],
    [256, 24],
    [512, 64],
  ] as const) {
    const vocabulary = exactVocabulary(V, d);
    const measurements = measure(vocabulary, Float64Array.from(Float32Array.from(vocabulary.projections)));
    const checks = checkProjections(mergeMeasurements([measurements]), expectedOf(vocabulary, measurements));
    t.deepEqual(report(t, checks), [], `${V} x ${d}`);
    t.deepEqual(
      checks.map(({ name }) => name),
      ['files', ...everyIdentity],
    );
  }
});

test('two swapped columns keep every norm, and fail the probe, the means and the variances', (t) => {
  const names = failing(t, (projections) => {
    for (let i = 0; i < exact.V; i++) {
      const at = i * exact.d;
      [projections[at + 3], projections[at + 7]] = [projections[at + 7]!, projections[at + 3]!];
    }
  });
  t.deepEqual(names, ['probe', 'column means', 'column variances', 'mean causal norm']);
});

test('a column with the wrong sign keeps norms and variances, and fails the probe and the means', (t) => {
  const names = failing(t, (projections) => {
    for (let i = 0; i < exact.V; i++) projections[i * exact.d + 2]! *= -1;
  });
  t.deepEqual(names, ['probe', 'column means']);
});

test('two swapped rows keep every column, and fail what is measured row by row', (t) => {
  const names = failing(t, (projections) => {
    const row = projections.slice(0, exact.d);
    projections.copyWithin(0, 9 * exact.d, 10 * exact.d);
    projections.set(row, 9 * exact.d);
  });
  t.deepEqual(names, ['row norms', 'probe']);
});

test('one scaled value fails the norm and the probe of its row, which they name', (t) => {
  const spoiled = asStored.slice();
  spoiled[100 * exact.d + 1]! *= 1 + 2 ** -8;
  const measurements = measure(exact, spoiled);
  const checks = checkProjections(mergeMeasurements([measurements]), expectedOf(exact, measurements));
  report(t, checks);
  for (const name of ['row norms', 'probe']) {
    const check = checks.find((candidate) => candidate.name === name)!;
    t.is(check.verdict, 'failed');
    t.is(check.detail, 'worst at token 100');
  }
});

test('NaN and infinity in one value fail every identity', (t) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const at of [0, 1000, exact.V * exact.d - 1]) {
      const names = failing(t, (projections) => {
        projections[at] = bad;
      });
      t.deepEqual(names, everyIdentity);
    }
  }
});

test('a wrong mean fails the means', (t) => {
  const measurements = measure(exact, asStored);
  const expected = expectedOf(exact, measurements);
  expected.meanProjections![5]! += 1e-5;
  const names = report(t, checkProjections(mergeMeasurements([measurements]), expected));
  t.true(names.includes('column means'));
});

test('centred projections are not what is wanted: norms, probe and means fail', (t) => {
  const names = failing(t, (projections) => {
    for (let j = 0; j < exact.d; j++) {
      const mean = asStored.reduce((sum, p, k) => sum + (k % exact.d === j ? p : 0), 0) / exact.V;
      for (let i = 0; i < exact.V; i++) projections[i * exact.d + j]! -= mean;
    }
  });
  // Beside no mean, variances are judged so sharply that those of eigenvectors in float64 may differ.
  t.deepEqual(
    names.filter((name) => name !== 'column variances'),
    ['row norms', 'probe', 'column means', 'mean causal norm'],
  );
});

test('eigenvalues in the wrong order, and the divisor V - 1, fail the variances', (t) => {
  const measurements = measure(exact, asStored);
  const wrong = {
    reversed: exact.c.toReversed(),
    'divisor V - 1': exact.c.map((value) => (value * exact.V) / (exact.V - 1)),
  };
  for (const [what, c] of Object.entries(wrong)) {
    const checks = checkProjections(
      mergeMeasurements([measurements]),
      expectedOf(exact, measurements, { covarianceEigenvalues: c }),
    );
    t.log(what);
    t.deepEqual(report(t, checks), ['column variances']);
  }
});

test('a wrong ridge fails the mean causal norm', (t) => {
  const measurements = measure(exact, asStored);
  const expected = expectedOf(exact, measurements, { ridge: 2e-3 });
  t.deepEqual(report(t, checkProjections(mergeMeasurements([measurements]), expected)), ['mean causal norm']);
});

test("another checkpoint's metric differs, which is no failure; the run's own identities still hold", (t) => {
  const measurements = measure(exact, asStored);
  const lambda = exact.lambda.map((value) => 2 * value);
  const checks = checkProjections(
    mergeMeasurements([measurements]),
    expectedOf(exact, measurements, {
      eigenvalues: lambda,
      covarianceEigenvalues: lambda.map((value) => 1 / value - ridge),
      metric: expectedMetric({ source: 'file', dtype: 'float32' }),
    }),
  );
  t.deepEqual(report(t, checks), ['column variances', 'mean causal norm']);
  for (const { name, verdict, detail } of checks) {
    t.is(verdict, name === 'column variances' || name === 'mean causal norm' ? 'differs' : 'passed');
    if (verdict === 'differs') t.regex(detail!, /not the inverse of this checkpoint's covariance/);
  }
});

test("a metric file of this checkpoint's own covariance passes, within what its dtype can say", (t) => {
  const measurements = measure(exact, asStored);
  const lambda = Float64Array.from(Float32Array.from(exact.lambda));
  const checks = checkProjections(
    mergeMeasurements([measurements]),
    expectedOf(exact, measurements, {
      eigenvalues: lambda,
      covarianceEigenvalues: lambda.map((value) => 1 / value - ridge),
      metric: expectedMetric({ source: 'file', dtype: 'float32' }),
    }),
  );
  t.deepEqual(report(t, checks), []);
});

test('whether the metric is of this checkpoint follows from the two identities of the covariance', (t) => {
  const measurements = measure(exact, asStored);
  const matches = (changes: Partial<Expected>) =>
    metricMatches(
      checkProjections(mergeMeasurements([measurements]), expectedOf(exact, measurements, changes)),
    );
  const lambda = exact.lambda.map((value) => 2 * value);
  const given = expectedMetric({ source: 'file', dtype: 'float32' });
  t.is(matches({}), true);
  t.is(matches({ metric: given }), true);
  const c = lambda.map((value) => 1 / value - ridge);
  t.is(matches({ eigenvalues: lambda, covarianceEigenvalues: c, metric: given }), false);
  t.is(matches({ ridge: null, metric: given }), null);
  t.is(matches({ meanProjections: null, metric: given }), null);
  // Of which nothing is known but the sign.
  t.is(matches({ metric: { source: 'file', roundoff: 1 } }), null);
  t.is(metricMatches([]), null);
});

test('without a ridge the covariance cannot be judged, and all else is', (t) => {
  const measurements = measure(exact, asStored);
  const changes: Partial<Expected>[] = [{ ridge: null }, { covarianceEigenvalues: null }];
  for (const change of changes) {
    const checks = checkProjections(
      mergeMeasurements([measurements]),
      expectedOf(exact, measurements, change),
    );
    t.deepEqual(
      checks.map(({ verdict }) => verdict),
      ['passed', 'passed', 'passed', 'passed', 'not applicable', 'not applicable'],
    );
    for (const check of checks.slice(4)) {
      t.is(check.measured, null);
      t.is(check.tolerance, null);
      t.regex(check.detail!, /--ridge/);
    }
  }
});

test('what is wrong with the files fails, whatever the numbers say', (t) => {
  const measurements = { ...measure(exact, asStored), problems: ['a.parquet: checksum', 'b.parquet: ids'] };
  const [files, ...others] = checkProjections(
    mergeMeasurements([measurements]),
    expectedOf(exact, measurements),
  );
  t.like(files, { name: 'files', verdict: 'failed', measured: 2, tolerance: 0 });
  t.is(files!.detail, 'a.parquet: checksum\nb.parquet: ids');
  t.true(others.every(({ verdict }) => verdict === 'passed'));
});

test('partitions merge into the measurements of the whole, and are left as they were', (t) => {
  const whole = mergeMeasurements([measure(exact, asStored)]);
  for (const cuts of [
    [0, 256],
    [0, 1, 256],
    [0, 100, 101, 256],
    [0, 255, 256],
  ]) {
    const parts = cuts.slice(1).map((end, index) => measure(exact, asStored, cuts[index], end));
    const before = structuredClone(parts);
    const merged = mergeMeasurements(parts);
    t.deepEqual(parts, before);
    t.is(merged.rows, exact.V);
    t.deepEqual(merged.minima, whole.minima);
    t.deepEqual(merged.maxima, whole.maxima);
    t.deepEqual(merged.probe, whole.probe);
    t.deepEqual(merged.rowKeys, whole.rowKeys);
    t.like(merged.weights, { compared: exact.V, equal: new Float64Array(exact.d) });
    t.is(merged.normDifference.row, whole.normDifference.row);
    t.is(merged.normDifference.maximum, whole.normDifference.maximum);
    const deviation = Math.max(
      ...sumsOf(merged).map((value, index) => Math.abs(value / sumsOf(whole)[index]! - 1)),
    );
    // Sums of magnitudes: no cancellation.
    const tolerance = exact.V * Number.EPSILON;
    t.log(`sums: off by ${deviation.toExponential(1)} of ${tolerance.toExponential(1)}`);
    t.true(deviation <= tolerance);
  }
});

/** The merged sums that have no cancellation. */
function sumsOf({
  sumsOfSquares,
  sumsOfFourths,
  gammaSquares,
  norm,
  causalNorm,
  normDifference,
}: Measurements): number[] {
  return [
    ...sumsOfSquares,
    ...sumsOfFourths,
    gammaSquares,
    norm.sum,
    norm.sumOfSquares,
    causalNorm.sum,
    causalNorm.sumOfSquares,
    normDifference.sum,
  ];
}

test('merging keeps the problems in partition order, the worst row by its tolerance, and a NaN in any place', (t) => {
  const part = (problem: string, relative: number, index: number): Measurements => {
    const deviation = { relative, tolerance: 1 + index, row: 10 * index };
    return {
      ...measure(exact, asStored, 0, 1),
      problems: [problem],
      normDifference: { maximum: relative, sum: relative, ...deviation },
      probe: deviation,
    };
  };
  const merge = (...relatives: number[]) =>
    mergeMeasurements(relatives.map((relative, index) => part(`problem ${index}`, relative, index)));
  t.deepEqual(merge(1, 3, 2).problems, ['problem 0', 'problem 1', 'problem 2']);
  t.deepEqual(merge(1, 3, 2).normDifference, { maximum: 3, sum: 6, relative: 3, tolerance: 2, row: 10 });
  // Three of its tolerance of 3, not two of a tolerance of 1.
  t.deepEqual(merge(2, 1, 9).probe, { relative: 9, tolerance: 3, row: 20 });
  t.is(merge(2, 4, 1).probe.row, 0);
  for (const at of [0, 1, 2]) {
    const relatives = [1, 3, 2].with(at, Number.NaN);
    const { probe, normDifference } = merge(...relatives);
    t.deepEqual(probe, { relative: Number.NaN, tolerance: 1 + at, row: 10 * at });
    t.is(normDifference.row, 10 * at);
    t.deepEqual([normDifference.maximum, normDifference.sum], [Number.NaN, Number.NaN]);
  }
});

test('no partition at all cannot be merged', (t) => {
  t.throws(() => mergeMeasurements([]), { instanceOf: RangeError, message: /no partition/ });
});

test('a measure passes up to its tolerance; NaN on either side and infinity fail', (t) => {
  t.is(judge(1, 1).verdict, 'passed');
  t.is(judge(0, 0).verdict, 'passed');
  t.is(judge(1 + Number.EPSILON, 1).verdict, 'failed');
  t.is(judge(Number.NaN, 1).verdict, 'failed');
  t.is(judge(1, Number.NaN).verdict, 'failed');
  t.is(judge(Number.POSITIVE_INFINITY, 1).verdict, 'failed');
  t.is(judge(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).verdict, 'failed');
});

test("a metric's accuracy is half the distance between neighbours of its dtype, float32's at best", (t) => {
  t.is(metricEpsilon({ dtype: 'bfloat16' }), 2 ** -8);
  t.is(metricEpsilon({ dtype: 'float16' }), 2 ** -11);
  t.is(metricEpsilon({ dtype: 'float32' }), 2 ** -24);
  t.is(metricEpsilon({ dtype: 'float64' }), 2 ** -24);
});
