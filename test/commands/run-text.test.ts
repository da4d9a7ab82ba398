import test from 'ava';
import { inspectionText, summaryText, verificationLines } from '../../src/commands/run-text.js';
import { sampleManifest } from '../helpers/sample-manifest.js';

test('the summary shows the figures of the notebook, and where the files are', (t) => {
  const text = summaryText('runs/a', sampleManifest());
  for (const part of [
    'made/up: 1,500 tokens x 64 (lm_head.weight, bfloat16)',
    'min 95.35   median 2,498.26   mean 2,713.64   max 94,217.94',
    'condition number 988.13, participation ratio 33.25',
    'shape 1500 x 64, 384.00 kB as float32',
    'range [-0.8, 0.73], mean 1.00e-4, standard deviation 0.0217',
    'Euclidean norm 1.25 +- 0.125 in [0.5, 2]',
    'causal norm 1.25 +- 0.125 in [0.5, 85.2873]',
    'runs/a/eigenbasis.safetensors (17.60 kB)',
    'runs/a/metric.safetensors (',
    'runs/a/projections: 2 files, 390.00 kB',
    '/elsewhere/p.npy (384.13 kB)',
    'Time scan 0.25 s, projection 1.50 s',
    'in all 1.75 s with 8 workers, peak memory 1.50 GB',
  ]) {
    t.true(text.includes(part), part);
  }
});

const givenMetric = {
  source: 'file',
  path: 'M.pt',
  tensor: 'M',
  dtype: 'float32',
  sha256: 'f00d',
  file: null,
  ridge: 1e-6,
  asymmetry: { max: 0, relative: 0 },
  matches: true,
} as const;

test('a given metric is not a file of the run', (t) => {
  const given = sampleManifest({ metric: { ...givenMetric, path: 'given/M.pt' } });
  t.false(summaryText('runs/a', given).includes('M.pt'));
  t.true(
    inspectionText('runs/a', given).includes(
      'metric from given/M.pt (ridge 0.000001, rho / c_min 1.00e-1, asymmetry',
    ),
  );
});

test('every check is shown with its figures, and with its reason where it does not just pass', (t) => {
  const { verification } = sampleManifest();
  t.deepEqual(verificationLines(verification), [
    'Verification: passed, 1 check differs: see below',
    '  probe             passed 1.00e-7 (tolerance 1.00e-5)',
    '  column variances  differs 12 (tolerance 1): why it differs',
    '  norm difference max 1.79e-6, mean 6.27e-7 (within the limit 0.0001)',
    '  largest off-diagonal of V^T V 2.74e-5 (beyond the limit 0.00001)',
  ]);
});

test('figures are shown in the unit of their check', (t) => {
  const { verification } = sampleManifest();
  const check = { what: 'in symbols', verdict: 'passed' } as const;
  const lines = verificationLines({
    ...verification,
    checks: [
      {
        ...check,
        name: 'column variances',
        measured: 6.3e-5,
        tolerance: 1,
        unit: { name: 'its tolerance', size: 1 },
      },
      { ...check, name: 'mean causal norm', measured: 3.2e-6, tolerance: 6.4, unit: { name: 'd', size: 64 } },
    ],
  });
  t.deepEqual(lines.slice(0, 3), [
    'Verification: passed',
    '  column variances  passed 6.30e-5 (tolerance 1) in units of its tolerance',
    '  mean causal norm  passed 5.00e-8 (tolerance 1.00e-1) in units of d',
  ]);
});

test('a metric of another model, directions below the ridge, the rank and clusters are named', (t) => {
  const { eigenvalues } = sampleManifest();
  const plain = summaryText('runs/a', sampleManifest());
  t.notRegex(plain, /warning|rank|cluster/);
  const told = summaryText(
    'runs/a',
    sampleManifest({
      metric: { ...givenMetric, matches: false },
      eigenvalues: { ...eigenvalues, ridgeBound: 56, rank: 8, clusters: { count: 1, directions: 56 } },
    }),
  );
  for (const part of [
    '  the covariance has rank 8 of 64\n',
    '  56 directions lie in 1 cluster of near-equal eigenvalues',
    "  warning: the given metric is not the inverse of this checkpoint's covariance",
    "  warning: 56 of 64 directions are set by the ridge: their causal weight is rho's choice, not the data's\n",
  ]) {
    t.true(told.includes(part), part);
  }
});

test('a failure and a check that does not apply are told apart; NaN is beyond every limit', (t) => {
  const lines = verificationLines({
    passed: false,
    checks: [
      { name: 'a', what: '', measured: Number.NaN, tolerance: 0, verdict: 'failed', detail: 'row 3\nrow 4' },
      { name: 'b', what: '', measured: null, tolerance: null, verdict: 'not applicable', detail: 'no ridge' },
    ],
    normDifference: { maximum: Number.NaN, mean: Number.NaN, limit: 1 },
    offDiagonal: { maximum: 0, limit: 1 },
  });
  t.is(lines[0], 'Verification: FAILED');
  t.is(lines[1], '  a  failed NaN (tolerance 0): row 3\n    row 4');
  t.is(lines[2], '  b  not applicable: no ridge');
  t.regex(lines[3]!, /NaN \(beyond the limit 1\)/);
  t.regex(lines[4]!, / 0 \(within the limit 1\)/);
});

test('an inspection says how the run was made', (t) => {
  const text = inspectionText('runs/a', sampleManifest());
  for (const part of [
    'eigenshard 1.2.3, fingerprint f00d',
    'checkpoint models/made-up',
    'metric computed from the checkpoint (ridge 0.000001, rho / c_min 1.00e-1)',
    '2 partitions of 1,000 rows, parquet',
    'finished 2024-05-06T07:09:09.000Z on a processor, Node v20.19.0',
  ]) {
    t.true(text.includes(part), part);
  }
  t.true(text.includes(summaryText('runs/a', sampleManifest())));
  t.regex(text, /^ {2}IsoScore +0\.3 +\(PR - 1\)/m);
  t.regex(text, /^ {2}effective rank, uncentred +unknown +exp H/m);
});

test('weights of the rows are told with the rows that they are worth, and few of these are warned of', (t) => {
  const { metric } = sampleManifest();
  if (metric.source !== 'computed') throw new Error('the sample computes its metric');
  const weights = {
    ...{ kind: 'counts' as const, path: '/data/counts.tsv', tensor: null, sha256: 'ab'.repeat(32) },
    ...{ effectiveRows: 123.4, positiveRows: 1400, leftOut: 0.01 },
  };
  const weighed = sampleManifest({
    weights,
    metric: { ...metric, ridge: 2e-5, relativeRidge: 1e-4, secondMoment: 'uncentred' },
  });
  const text = inspectionText('runs/a', weighed);
  for (const part of [
    "metric computed from the checkpoint's second moment about zero, C + mu mu^T (ridge 0.00002 = 0.0001 tr C / d,",
    'rows weighed by counts (/data/counts.tsv): 123 effective rows of 1,500, 100 without weight',
    'warning: by their weights the 1,500 rows are worth 123 of equal weight (1 / sum w^2), fewer than 10 d = 640',
  ])
    t.true(text.includes(part), part);
  const many = sampleManifest({ weights: { ...weights, effectiveRows: 640 } });
  t.false(inspectionText('runs/a', many).includes('of equal weight'));
  t.false(text.includes('left out'));
  const one = sampleManifest({ weights: { ...weights, effectiveRows: 1.2, leftOut: 0.684 } });
  const said = inspectionText('runs/a', one);
  t.true(said.includes(': 1 effective row of 1,500'));
  t.true(said.includes('warning: 68.4 % of the counts are left out'));
});

test('an asymmetric metric without a ridge says so', (t) => {
  const asymmetry = { max: 2.8e-2, relative: 3e-5 };
  const text = inspectionText(
    'runs/a',
    sampleManifest({ metric: { ...givenMetric, ridge: null, asymmetry } }),
  );
  t.true(text.includes('(unknown ridge, asymmetry max |M - M^T| 2.80e-2 (relative 3.00e-5))'));
});
