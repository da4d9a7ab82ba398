import type { IndicatorsInput, Tasks } from '../src/executor/tasks.js';
import { emptyIndicators, type TokenIndicators } from '../src/tables/indicators.js';
import { memory } from './context.js';
import { forEachPartitionStrip, partitionStripSizes } from './partition-strips.js';
import { rowsReport } from './rows-report.js';

/** Measures how near the tokens of one partition are to a reference. Memory: the partition. */
export async function indicators(input: IndicatorsInput): Promise<Tasks['indicators']['result']> {
  const { hidden: d } = input;
  const regions = memory.allot(partitionStripSizes([input]));
  const found = emptyIndicators(input.rows.count);
  await forEachPartitionStrip(input, regions, async ({ first, count }) => {
    for (let i = 0; i < count; i++)
      measure(regions.strip.float32.subarray(i * d, (i + 1) * d), input, found, first + i);
    rowsReport.advance(count);
  });
  return found;
}

/** Index 0 has the largest variance: of centred rows that count the same it is the first principal direction. */
const FIRST = 0;

/** Fills the indicators of one row p. */
function measure(
  p: Float32Array,
  { reference: u, mean: m, eigenvalues: lambda }: IndicatorsInput,
  found: TokenIndicators,
  at: number,
): void {
  let [pp, pu, uu] = [0, 0, 0];
  let [qq, qv, vv] = [0, 0, 0];
  let [distance, causal] = [0, 0];
  for (let j = 0; j < p.length; j++) {
    const [pj, uj] = [p[j]!, u[j]!];
    const [q, v] = [pj - m[j]!, uj - m[j]!];
    qq += q * q;
    qv += q * v;
    vv += v * v;
    const square = (pj - uj) * (pj - uj);
    distance += square;
    causal += lambda[j]! * square;
    if (j === FIRST) continue;
    pp += pj * pj;
    pu += pj * uj;
    uu += uj * uj;
  }
  found.b[at] = angular(pu, pp, uu);
  const [p0, u0] = [p[FIRST]!, u[FIRST]!];
  found.a[at] = angular(pu + p0 * u0, pp + p0 * p0, uu + u0 * u0);
  found.c[at] = angular(qv, qq, vv);
  found.d[at] = Math.sqrt(distance);
  found.causalDistance[at] = Math.sqrt(causal);
}

/** 1 - cos, not below 0; NaN where one of the two is zero. */
function angular(product: number, square: number, otherSquare: number): number {
  if (!(square > 0 && otherSquare > 0)) return Number.NaN;
  return Math.max(0, 1 - product / Math.sqrt(square * otherSquare));
}
