import test from 'ava';
import type { Measurements } from '../../src/checks/measurements.js';
import { RunError } from '../../src/errors.js';
import { judgeApart, WORTH_A_THREAD } from '../../src/run/judge-apart.js';
import { type JudgedRun, judgeMeasurements } from '../../src/run/judge-measurements.js';
import { randomFloat64 } from '../helpers/random.js';

const ROWS = 5000;

/** Sums as rows of about unit variance have, around means of 0.1. */
function sumsOf(d: number, power: number): Float64Array {
  return randomFloat64(d, power).map((value) => ROWS * (power % 2 === 1 ? 0.1 : 1) * (1 + value / 10));
}

function measured(d: number): Measurements {
  const moments = { minimum: 1, maximum: 2, sum: 1.5 * ROWS, sumOfSquares: 2.3 * ROWS };
  const deviation = { relative: 1e-8, tolerance: 1e-7, row: 7 };
  return {
    problems: [],
    rows: ROWS,
    sums: sumsOf(d, 1),
    sumsOfSquares: sumsOf(d, 2),
    sumsOfCubes: sumsOf(d, 3),
    sumsOfFourths: sumsOf(d, 4).map((sum) => 3 * sum),
    minima: new Float64Array(d).fill(-4),
    maxima: new Float64Array(d).fill(4),
    gammaSums: sumsOf(d, 5),
    gammaSquares: ROWS * d,
    rowKeys: randomFloat64(ROWS, 6),
    weights: {
      differences: sumsOf(d, 2),
      compared: ROWS / 8,
      equal: new Float64Array(d).fill(3),
      opposite: new Float64Array(d).fill(2),
      repeated: new Float64Array(d).fill(1),
      bits: 0xffff0000 | 0,
    },
    normDifference: { ...deviation, maximum: 1e-8, sum: 1e-5 },
    probe: deviation,
    alongProbe: moments,
    norm: moments,
    causalNorm: moments,
  };
}

function judgedBy(d: number): JudgedRun {
  const eigenvectors = new Float32Array(d * d);
  for (let k = 0; k < d; k++) eigenvectors[k * (d + 1)] = 1;
  const covarianceEigenvalues = Float64Array.from({ length: d }, (_, j) => 1 + (d - j) / d);
  return {
    basis: {
      eigenvalues: covarianceEigenvalues.map((c) => 1 / (c + 1e-6)),
      covarianceEigenvalues,
      eigenvectors,
    },
    basisCheck: { checks: [], offDiagonal: { maximum: 0, limit: 1e-5 } },
    ridge: 1e-6,
    metric: { source: 'computed', secondMoment: 'centred' },
    summation: 'blocks',
    hasCheckpoint: true,
    mean: null,
    weights: null,
  };
}

test('a judgement is the same to the bit in a thread of its own, and of a small hidden size here', async (t) => {
  for (const d of [WORTH_A_THREAD - 1, WORTH_A_THREAD]) {
    const [measurements, judged] = [measured(d), judgedBy(d)];
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const judgement = await judgeApart(measurements, judged);
    clearInterval(ticking);
    t.deepEqual(judgement, judgeMeasurements(measurements, judged), `d = ${d}`);
    t.true(judgement.verification.checks.length > 5);
    t.is(turns > 0, d === WORTH_A_THREAD, 'this thread goes on meanwhile, where there is another one');
  }
});

test('what is given to a judgement in a thread of its own stays with this one', async (t) => {
  const [measurements, judged] = [measured(WORTH_A_THREAD), judgedBy(WORTH_A_THREAD)];
  await judgeApart(measurements, judged);
  t.is(judged.basis.eigenvectors.length, WORTH_A_THREAD ** 2);
  t.is(measurements.rowKeys.length, ROWS);
});

test('a thread that dies while it judges is a failure with its reason', async (t) => {
  const judged = { ...judgedBy(WORTH_A_THREAD), metric: null } as unknown as JudgedRun;
  await t.throwsAsync(judgeApart(measured(WORTH_A_THREAD), judged), {
    instanceOf: RunError,
    message: /^the thread that judges the projections died: .+/,
  });
});
