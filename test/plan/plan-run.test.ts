import test from 'ava';
import fc from 'fast-check';
import { filesOf, partitionFormats, planRun, SCAN_ROWS } from '../../src/plan/plan-run.js';
import { type RowRange, splitRows } from '../../src/plan/row-ranges.js';

const rowCount = fc.integer({ min: 1, max: 300_000 });
const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400_000 }));

/** Whether `ranges` hold the rows 0, 1, ..., rows - 1 in this order. */
function covers(ranges: readonly RowRange[], rows: number): boolean {
  let next = 0;
  for (const { first, count } of ranges) {
    if (first !== next || count < 1) return false;
    next += count;
  }
  return next === rows;
}

test('the ranges cover every row once, in order, and only the last one may be short', (t) => {
  fc.assert(
    fc.property(rowCount, size, (rows, rangeRows) => {
      const ranges = splitRows(rows, rangeRows);
      const full = ranges.slice(0, -1).every(({ count }) => count === rangeRows);
      return covers(ranges, rows) && full && ranges.at(-1)!.count <= rangeRows;
    }),
    { seed: 1 },
  );
  t.pass();
});

test('sizes around a whole number of ranges', (t) => {
  const counts = (rows: number, rangeRows: number) => splitRows(rows, rangeRows).map(({ count }) => count);
  t.deepEqual(counts(1, 1), [1]);
  t.deepEqual(counts(3, 1), [1, 1, 1]);
  t.deepEqual(counts(3, 4), [3]);
  t.deepEqual(counts(7, 4), [4, 3]);
  t.deepEqual(counts(8, 4), [4, 4]);
  t.deepEqual(counts(9, 4), [4, 4, 1]);
  // 151,936 = 128 x 1,187, and 1,187 is prime.
  t.deepEqual(new Set(counts(151_936, 1187)), new Set([1187]));
  t.is(counts(151_936, 8192).at(-1), 151_936 - 18 * 8192);
});

test('rows and size must be whole numbers from 1', (t) => {
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    t.throws(() => splitRows(bad, 4), { instanceOf: RangeError, message: /rows must be .*, not / });
    t.throws(() => splitRows(4, bad), { instanceOf: RangeError, message: /size must be .*, not / });
  }
});

test('a plan scans and partitions every row once, under names that sort in its order', (t) => {
  fc.assert(
    fc.property(
      rowCount,
      fc.integer({ min: 20, max: 400_000 }),
      fc.constantFrom(...partitionFormats),
      (rows, partitionRows, format) => {
        const plan = planRun({ rows, hidden: 8, partitionRows, format });
        t.true(
          covers(
            plan.partitions.map((partition) => partition.rows),
            rows,
          ),
        );
        t.true(covers(plan.scans, rows));
        t.true(plan.partitions.every(({ index }, at) => index === at));
        const files = plan.partitions.flatMap(filesOf);
        t.is(new Set(files).size, files.length);
        t.is(files.length, plan.partitions.length * (format === 'both' ? 2 : 1));
        for (const kind of ['parquet', 'arrow'] as const) {
          const names = plan.partitions.map((partition) => partition[kind]).filter((name) => name !== null);
          t.is(names.length, format === kind || format === 'both' ? plan.partitions.length : 0);
          t.deepEqual(names.toSorted(), names);
        }
      },
    ),
    { seed: 2, numRuns: 50 },
  );
});

test('more than a hundred thousand partitions still have names that sort in their order', (t) => {
  const plan = planRun({ rows: 100_001, hidden: 1, partitionRows: 1, format: 'parquet' });
  const names = plan.partitions.map(({ parquet }) => parquet);
  t.is(names[0], 'projections/parquet/part-000000.parquet');
  t.deepEqual(names.toSorted(), names);
  t.is(
    planRun({ rows: 100_000, hidden: 1, partitionRows: 1, format: 'parquet' }).partitions[0]!.parquet,
    'projections/parquet/part-00000.parquet',
  );
});

test('partitions larger than the vocabulary give one, and the plan says how large it is', (t) => {
  for (const partitionRows of [100, 101, 8192, Number.MAX_SAFE_INTEGER]) {
    const plan = planRun({ rows: 100, hidden: 4, partitionRows, format: 'both' });
    t.is(plan.partitionRows, 100);
    t.deepEqual(plan.partitions, [
      {
        index: 0,
        rows: { first: 0, count: 100 },
        parquet: 'projections/parquet/part-00000.parquet',
        arrow: 'projections/arrow/part-00000.arrow',
      },
    ]);
  }
});

test('the scans depend on the rows alone, not on partitions or format', (t) => {
  for (const rows of [1, SCAN_ROWS - 1, SCAN_ROWS, SCAN_ROWS + 1, 151_936]) {
    const scans = splitRows(rows, SCAN_ROWS);
    for (const partitionRows of [1000, SCAN_ROWS, 10 ** 6]) {
      t.deepEqual(planRun({ rows, hidden: 2, partitionRows, format: 'parquet' }).scans, scans);
      t.deepEqual(planRun({ rows, hidden: 2, partitionRows, format: 'arrow' }).scans, scans);
    }
  }
});

test('a plan is plain data: it survives JSON', (t) => {
  const plan = planRun({ rows: 20_000, hidden: 16, partitionRows: 3000, format: 'both' });
  t.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});
