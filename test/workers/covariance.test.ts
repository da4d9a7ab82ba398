import path from 'node:path';
import test from 'ava';
import { blockColumnsOf, covarianceBlocks } from '../../src/plan/covariance-blocks.js';
import { covariance } from '../../workers/covariance.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';
import { storedRows } from '../helpers/stored-rows.js';

// Around the rows that are summed up at a time, and the rows of a tile.
for (const [rows, d] of [
  [3, 5],
  [503, 64],
  [505, 65],
  [1009, 130],
  [40, 640],
  [530, 705],
] as const) {
  for (const isWeighted of [false, true]) {
    const kind = isWeighted ? 'weighted' : 'plain';
    test.serial(
      `${kind} sums of ${rows} x ${d} are those of the definition, in each group of columns`,
      async (t) => {
        const gamma = randomFloat32(rows * d, rows);
        const mean = randomFloat64(d, d);
        const weights = isWeighted ? randomFloat64(rows, 1).map(Math.abs) : undefined;
        const last = blockColumnsOf(d);
        const middle = Math.floor(last / 2);
        const groups = [
          { first: 0, end: middle },
          { first: middle, end: last },
        ].filter(({ first, end }) => end > first);
        const source = storedRows(path.join(scratchDirectory(t), 'gamma'), gamma, rows);
        let largest = 0;
        for (const columns of groups) {
          const { sums } = await covariance({
            source,
            rows: { first: 0, count: rows },
            columns,
            mean,
            weights,
            backend: { backend: 'portable' },
          });
          for (const { first, width, height, offset } of covarianceBlocks(d, columns)) {
            for (let i = first; i < first + height; i += 7) {
              for (let j = first; j < first + width; j += 3) {
                let sum = 0;
                for (let row = 0; row < rows; row++) {
                  const [x, y] = [gamma[row * d + i]! - mean[i]!, gamma[row * d + j]! - mean[j]!];
                  sum += x * y * (weights?.[row] ?? 1);
                }
                const found = sums[offset + (i - first) * width + j - first]!;
                largest = Math.max(largest, Math.abs(found - sum));
              }
            }
          }
        }
        // Eight standard deviations: partial sums of up to k round by a standard deviation of 2^-53 k / sqrt(3), added up over k.
        const tolerance = (8 / 3) * 2 ** -53 * rows ** 1.5;
        t.log(`largest deviation ${largest.toExponential(2)} of ${tolerance.toExponential(2)}`);
        t.true(largest <= tolerance);
      },
    );
  }
}
