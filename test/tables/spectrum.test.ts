import test from 'ava';
import { type SpectrumSource, spectralSummary, summariseSpectrum } from '../../src/tables/spectrum.js';
import { randomFloat64 } from '../helpers/random.js';

/** What the figures are taken from: a computed metric without a ridge, where c is given. */
const source = (
  eigenvalues: Float64Array,
  covarianceEigenvalues: Float64Array | null = null,
  changes: Partial<SpectrumSource> = {},
): SpectrumSource => ({
  eigenvalues,
  covarianceEigenvalues,
  ridge: covarianceEigenvalues === null ? null : 0,
  epsilon: 0,
  projected: null,
  ...changes,
});

const ascending = (d: number) =>
  randomFloat64(d, d)
    .map((x) => 2 + x)
    .sort();

test('equal eigenvalues share the weight: d directions, condition number 1', (t) => {
  for (const d of [1, 2, 5]) {
    const spectrum = summariseSpectrum(source(new Float64Array(d).fill(4), new Float64Array(d).fill(0.25)));
    t.is(spectrum.participationRatio, d);
    t.is(spectrum.covarianceParticipationRatio, d);
    t.is(spectrum.conditionNumber, 1);
    t.is(spectrum.trace, 4 * d);
    for (const key of ['minimum', 'maximum', 'mean', 'median'] as const) t.is(spectrum[key], 4);
  }
});

test('the median is the middle value, or the mean of the two', (t) => {
  const median = (values: number[]) => summariseSpectrum(source(Float64Array.from(values))).median;
  t.is(median([7]), 7);
  t.is(median([1, 2]), 1.5);
  t.is(median([1, 2, 10]), 2);
  t.is(median([1, 2, 10, 100]), 6);
});

test('one dominant eigenvalue leaves one direction', (t) => {
  const { participationRatio, conditionNumber } = summariseSpectrum(
    source(Float64Array.of(2 ** -30, 2 ** -30, 1)),
  );
  // (1 + 2 x)^2 / (1 + 2 x^2) = 1 + 4 x + 2 x^2 + ...
  t.true(participationRatio > 1 && participationRatio < 1 + 5 * 2 ** -30);
  t.is(conditionNumber, 2 ** 30);
});

test('the ridge is a share of the smallest c alone where that is above rounding', (t) => {
  const share = (c: number[]) => {
    const values = Float64Array.from(c);
    const lambda = values.map((value) => 1 / (value + 1e-3));
    return summariseSpectrum(source(lambda, values, { ridge: 1e-3 })).ridgeShare;
  };
  t.is(share([4, 2, 0.01]), 1e-3 / 0.01);
  for (const rounding of [1e-16, -1e-16, 0]) t.is(share([4, 2, rounding]), null);
});

test('scaling the metric scales trace and determinant and leaves the ratios', (t) => {
  for (const d of [1, 2, 17]) {
    const eigenvalues = ascending(d);
    const one = summariseSpectrum(source(eigenvalues));
    const eight = summariseSpectrum(source(eigenvalues.map((value) => 8 * value)));
    // A power of two: exact.
    t.is(eight.trace, 8 * one.trace);
    t.is(eight.participationRatio, one.participationRatio);
    t.is(eight.conditionNumber, one.conditionNumber);
    const deviation = Math.abs(eight.logDeterminant - one.logDeterminant - d * Math.log(8));
    const tolerance = 2 * d * Number.EPSILON * d * Math.log(24);
    t.log(`log determinant, d = ${d}: off by ${deviation.toExponential(1)} of ${tolerance.toExponential(1)}`);
    t.true(deviation <= tolerance);
  }
});

test("the covariance's participation ratio is its own number, and null where C is not known or zero", (t) => {
  const covariance = Float64Array.of(3, 1);
  const eigenvalues = covariance.map((c) => 1 / c);
  const spectrum = summariseSpectrum(source(eigenvalues, covariance));
  t.is(spectrum.covarianceParticipationRatio, 16 / 10);
  t.is(summariseSpectrum(source(eigenvalues)).covarianceParticipationRatio, null);
  // One row, or equal ones.
  t.is(summariseSpectrum(source(eigenvalues, new Float64Array(2))).covarianceParticipationRatio, null);
});

test('the distance to the identity is taken in the Frobenius and in the spectral norm, whichever end is farther', (t) => {
  const distance = (...eigenvalues: number[]) =>
    summariseSpectrum(source(Float64Array.from(eigenvalues))).identityDistance;
  t.deepEqual(distance(1, 1, 1), { frobenius: 0, spectral: 0 });
  t.deepEqual(distance(4, 5), { frobenius: 5, spectral: 4 });
  t.deepEqual(distance(0.25, 1.5), { frobenius: Math.sqrt(0.75 ** 2 + 0.25), spectral: 0.75 });
});

test('variance and causal weight are held by directions of opposite ends', (t) => {
  const lambda = Float64Array.of(1, 2, 4, 93);
  const summary = spectralSummary(source(lambda, Float64Array.of(50, 30, 15, 5)));
  t.deepEqual(summary.directionsOfCausalWeight, { 50: 1, 80: 1, 90: 1, 95: 2, 99: 3 });
  t.deepEqual(summary.directionsOfVariance, { 50: 1, 80: 2, 90: 3, 95: 3, 99: 4 });
  t.is(summary.identityDistance.spectral, 92);
  t.is(summary.identityDistance.frobenius, Math.sqrt(1 + 9 + 92 * 92));
  t.is(spectralSummary(source(lambda)).directionsOfVariance, null);
});

test("where the metric is not known to be the data's, what was measured of the projections is the variance", (t) => {
  const lambda = Float64Array.of(1, 2, 4, 93);
  const projected = Float64Array.of(1, 1, 6, 2);
  for (const c of [Float64Array.of(50, 30, 15, 5), null]) {
    const summary = spectralSummary(source(lambda, c, { projected }));
    t.is(summary.covarianceParticipationRatio, 100 / 42);
    t.is(summary.varianceSource, 'projections');
    t.deepEqual(summary.directionsOfVariance, { 50: 1, 80: 2, 90: 3, 95: 4, 99: 4 });
  }
});

test('directions below the ridge, and those that rounding alone keeps from zero, are counted', (t) => {
  const ridge = 1e-6;
  const counts = (c: readonly number[], epsilon = 0) => {
    const covariance = Float64Array.from(c);
    const lambda = covariance.map((value) => 1 / (value + ridge));
    const { ridgeBound, rank, clusters } = summariseSpectrum(source(lambda, covariance, { ridge, epsilon }));
    return { ridgeBound, rank, clusters };
  };
  const none = { count: 0, directions: 0 };
  t.deepEqual(counts([4, 2, 1]), { ridgeBound: 0, rank: 3, clusters: none });
  // At the ridge is not below it.
  t.deepEqual(counts([4, 2, 1e-6, 0.5e-6]), { ridgeBound: 1, rank: 4, clusters: none });
  // d eps c_max = 5 x 2^-52 x 4 = 4.4e-15.
  const deficient = [4, 2, 5e-15, 4e-15, -3e-15];
  t.deepEqual(counts(deficient), { ridgeBound: 3, rank: 3, clusters: { count: 1, directions: 3 } });
  // A file in float32 leaves 1e-6 x sqrt(5) x 2^-24 = 1.3e-13 of what is zero.
  t.is(counts([4, 2, 1e-13, -1e-13, -1e-13], 2 ** -24).rank, 2);
  t.deepEqual(counts([3, 3, 2, 1, 1, 1]).clusters, { count: 2, directions: 5 });
});

test('without a ridge neither its directions nor the rank are known; clusters are', (t) => {
  const summary = summariseSpectrum(source(Float64Array.of(1, 1, 5)));
  t.is(summary.ridgeBound, null);
  t.is(summary.rank, null);
  t.deepEqual(summary.clusters, { count: 1, directions: 2 });
});
