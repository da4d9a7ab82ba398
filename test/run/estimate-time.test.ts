import test from 'ava';
import { planRun } from '../../src/plan/plan-run.js';
import { estimateTime } from '../../src/run/estimate-time.js';

const rates = {
  startUp: 0.5,
  paces: {
    scan: { task: 0.25, row: 0.001 },
    covariance: { task: 1, row: 0.01 },
    projection: { task: 0.5, row: 0.002 },
    verification: { task: 0, row: 0.004 },
    export: { task: 0, row: 0 },
  },
  product: 2,
  eigh: 7,
  tablesPerByte: 0.25,
  reportPerByte: 0.5,
  syncPerByte: 0.001,
  measuredSeconds: 1,
};

/** Scans of 8,192 and 1,808 rows, partitions of 4,000, 4,000 and 2,000. */
const plan = planRun({ rows: 10_000, hidden: 4, partitionRows: 4000, format: 'parquet' });

test('every stage takes what its tasks take, one after the other', (t) => {
  const work = {
    workers: 1,
    computesMetric: true,
    weightPasses: 2,
    dataBytes: 1000,
    tableBytes: 8,
    reportBytes: 6,
  };
  t.deepEqual(estimateTime(plan, rates, work), {
    'start-up': 0.5,
    scan: 2 * 0.25 + 10,
    weights: 2 * (2 * 0.25 + 10),
    covariance: 2 + 100,
    eigenbasis: 7,
    metric: 1.3,
    'basis check': 1.3,
    projection: 3 * 0.5 + 20,
    verification: 40,
    tables: 2,
    report: 3,
  });
});

test('workers share the tasks, and the longest of their shares counts', (t) => {
  const work = {
    workers: 2,
    computesMetric: false,
    weightPasses: 0,
    dataBytes: 0,
    tableBytes: 0,
    reportBytes: 0,
  };
  const stages = estimateTime(plan, rates, work);
  t.deepEqual(Object.keys(stages), [
    ...['start-up', 'scan', 'eigenbasis', 'basis check', 'projection', 'verification'],
  ]);
  t.is(stages.scan, 0.25 + 8.192);
  // One of them takes the third partition, too.
  t.is(stages.projection, 8.5 + 4.5);
  t.is(estimateTime(plan, rates, { ...work, workers: 100 }).projection, 8.5);
});

test('projections that are exported are read and copied by rows', (t) => {
  const work = {
    workers: 1,
    computesMetric: false,
    weightPasses: 0,
    dataBytes: 0,
    tableBytes: 0,
    reportBytes: 0,
  };
  const paces = { ...rates.paces, export: { task: 0.25, row: 0.001 } };
  t.is(estimateTime(plan, { ...rates, paces }, work).export, 3 * 0.25 + 10);
});

test('a slow disk is waited for beside the verification', (t) => {
  const work = {
    workers: 1,
    computesMetric: false,
    weightPasses: 0,
    dataBytes: 100_000,
    tableBytes: 0,
    reportBytes: 0,
  };
  t.is(estimateTime(plan, rates, work).verification, 100);
});
