import test from 'ava';
import { spectralSummary } from '../../src/tables/spectral-summary.js';

test('variance and causal weight are held by directions of opposite ends', (t) => {
  const lambda = Float64Array.of(1, 2, 4, 93);
  const summary = spectralSummary(lambda, Float64Array.of(50, 30, 15, 5));
  t.deepEqual(summary.directionsOfCausalWeight, { 50: 1, 80: 1, 90: 1, 95: 2, 99: 3 });
  t.deepEqual(summary.directionsOfVariance, { 50: 1, 80: 2, 90: 3, 95: 3, 99: 4 });
  t.is(summary.identityDistance.spectral, 92);
  t.is(summary.identityDistance.frobenius, Math.sqrt(1 + 9 + 92 * 92));
  t.is(spectralSummary(lambda, null).directionsOfVariance, null);
});
