import { randomFillSync } from 'node:crypto';
import { runTasks } from '../executor/executor.js';
import type { NeighbourSpace, PartitionInput, RowFacts } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import { firstOfEqual } from '../tables/equal-rows.js';
import { type EqualRows, equalRows } from '../tables/neighbour-lists.js';
import type { SpaceName } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import { refuseDamaged } from './export-projections.js';

/** What neighbours need to know of all rows. */
export interface MeasuredRows {
  spaces: Record<SpaceName, NeighbourSpace>;
  /** Root mean square of the norms of the rows without the mean row, in these coordinates. */
  rootMeanSquares: Record<SpaceName, number>;
  equal: EqualRows;
}

/**
 * Reads all partitions twice: compares their checksums, takes the mean of every column, then the norms of the rows, and
 * finds which are equal.
 *
 * @param eigenvalues lambda, [d]
 * @throws VerificationError where a partition is not as it was recorded
 */
export async function measureRows(
  partitions: readonly PartitionInput[],
  eigenvalues: Float64Array,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
): Promise<MeasuredRows> {
  const d = eigenvalues.length;
  const rows = partitions.reduce((sum, { rows: { count } }) => sum + count, 0);
  return stopwatch.time('norms', 2 * rows, async (advance) => {
    const told = tellRows(executor, advance);
    const sums: Float64Array[] = [];
    const problems: string[][] = [];
    await runTasks(told, 'columnSums', partitions, (result, index) => {
      sums[index] = result.sums;
      problems[index] = result.problems;
    });
    refuseDamaged(partitions[0]!.directory, problems.flat());
    // In the order of the partitions, whichever came first.
    const mean = new Float64Array(d);
    for (const part of sums) for (let j = 0; j < d; j++) mean[j]! += part[j]!;
    for (let j = 0; j < d; j++) mean[j]! /= rows;
    const keys = randomFillSync(new BigUint64Array(2 * d));
    const inputs = partitions.map((partition) => ({ ...partition, mean, eigenvalues, keys }));
    const parts: RowFacts[] = [];
    await runTasks(told, 'rowFacts', inputs, (result, index) => {
      parts[index] = result;
    });
    return merged(parts, { mean, eigenvalues });
  });
}

function merged(
  parts: readonly RowFacts[],
  { mean, eigenvalues }: { mean: Float64Array; eigenvalues: Float64Array },
): MeasuredRows {
  const d = mean.length;
  const numbers = (of: (facts: RowFacts) => Float64Array) => joined(parts.map(of), Float64Array);
  const hashes = (which: 0 | 1) =>
    joined(
      parts.map((facts) => facts.hashes[which]),
      BigUint64Array,
    );
  const causalNorms = numbers((facts) => facts.centredCausalNorms);
  return {
    spaces: {
      causal: { mean, weights: eigenvalues, norms: causalNorms },
      euclidean: {
        mean: new Float64Array(d),
        weights: new Float64Array(d).fill(1),
        norms: numbers((facts) => facts.norms),
      },
    },
    rootMeanSquares: {
      causal: rootMeanSquare(causalNorms),
      euclidean: rootMeanSquare(numbers((facts) => facts.centredNorms)),
    },
    equal: equalRows(firstOfEqual([hashes(0), hashes(1)])),
  };
}

function joined<Values extends Float64Array | BigUint64Array>(
  parts: readonly Values[],
  Type: new (length: number) => Values,
): Values {
  const whole = new Type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part as never, at);
    at += part.length;
  }
  return whole;
}

function rootMeanSquare(norms: Float64Array): number {
  return Math.sqrt(norms.reduce((sum, norm) => sum + norm ** 2, 0) / norms.length);
}
