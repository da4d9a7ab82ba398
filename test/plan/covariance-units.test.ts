import test from 'ava';
import { blockColumnsOf, COVARIANCE_BLOCK, covarianceLength } from '../../src/plan/covariance-blocks.js';
import { type CovarianceUnit, covarianceUnits } from '../../src/plan/covariance-units.js';

const shapes: [number, number][] = [
  [1, 1],
  [512, 64],
  [8191, 2560],
  [8192, 2560],
  [16_384, 513],
  [151_936, 2560],
  [129_280, 7168],
  [128_256, 8192],
  [17_000, 16_384],
  [128_256, 16_384],
  [1_000_000, 1024],
  [256_000, 40_000],
];

function bytesOf(d: number, { columns }: CovarianceUnit): number {
  return covarianceLength(d, columns) * 8;
}

for (const [rows, d] of shapes) {
  test(`the units of ${rows} x ${d} hold every row once in every block column`, (t) => {
    const seen = new Map<number, number>();
    for (const { rows: range, columns } of covarianceUnits(rows, d)) {
      for (let column = columns.first; column < columns.end; column++) {
        t.is(seen.get(column) ?? 0, range.first, 'rows follow each other');
        seen.set(column, range.first + range.count);
      }
    }
    t.deepEqual(
      [...seen].sort(([a], [b]) => a - b),
      Array.from({ length: blockColumnsOf(d) }, (_, column) => [column, rows]),
    );
  });
}

test('large covariances have 12 to 100 units, whose sums take at most 2 GB or are those of one group of rows', (t) => {
  for (const [rows, d] of shapes.filter(([rows, d]) => rows >= 100_000 && d >= 1024)) {
    const units = covarianceUnits(rows, d);
    t.true(units.length >= 12 && units.length <= 100, `${rows} x ${d}: ${units.length} units`);
    const bytes = units.reduce((sum, unit) => sum + bytesOf(d, unit), 0);
    t.true(bytes <= Math.max(2e9, covarianceLength(d) * 8), `${rows} x ${d}: ${bytes} bytes`);
  }
});

test('groups of block columns are of about equal work', (t) => {
  for (const [rows, d] of shapes) {
    const sizes = covarianceUnits(rows, d)
      .filter(({ rows: range }) => range.first === 0)
      .map((unit) => bytesOf(d, unit));
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    // A group has whole columns, the longest of which is a column of the whole height.
    const column = d * COVARIANCE_BLOCK * 8;
    t.true(Math.max(...sizes) <= mean + column, `${rows} x ${d}: ${sizes.join(', ')}`);
  }
});

test('rows are read and centred once as long as the sums of all columns are small, and by two groups of columns beyond', (t) => {
  const groupsOf = (rows: number, d: number) =>
    new Set(covarianceUnits(rows, d).map(({ columns }) => columns.first)).size;
  for (const [rows, d] of [
    [8191, 512],
    [1_000_000, 64],
    [200_000, 513],
    [151_936, 2560],
    [151_936, 2816],
  ] as const)
    t.is(groupsOf(rows, d), 1, `${rows} x ${d}`);
  t.is(groupsOf(151_936, 2880), 2);
  t.is(groupsOf(151_936, 4096), 2);
});
