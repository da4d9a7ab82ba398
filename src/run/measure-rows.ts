import { randomFillSync } from 'node:crypto';
import { VerificationError } from '../errors.js';
import { runTasks } from '../executor/executor.js';
import type { Coordinates, NeighbourSpace, PartitionInput, RowFacts } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import { firstOfEqual } from '../tables/equal-rows.js';
import { type EqualRows, equalRows } from '../tables/neighbour-lists.js';
import type { SpaceName } from '../tables/neighbour-measures.js';
import type { RunContext } from './context.js';
import { refuseDamaged } from './export-projections.js';

/** Partitions of a run, and the eigenvalues lambda, [d], of its metric. */
export interface MeasuredRun {
  partitions: readonly PartitionInput[];
  eigenvalues: Float64Array;
}

/** What neighbours need to know of all rows. */
export interface MeasuredRows {
  spaces: Record<SpaceName, NeighbourSpace>;
  /** Root mean square of the norms of the rows without the mean row, in these coordinates. */
  rootMeanSquares: Record<SpaceName, number>;
  equal: EqualRows;
}

type Tools = Pick<RunContext, 'executor' | 'stopwatch'>;

/** The coordinates of each space. @param mean m, [d] */
export function coordinatesOf(eigenvalues: Float64Array, mean: Float64Array): Record<SpaceName, Coordinates> {
  const d = mean.length;
  return {
    causal: { mean, weights: eigenvalues },
    euclidean: { mean: new Float64Array(d), weights: new Float64Array(d).fill(1) },
  };
}

/**
 * Takes the mean of every column of the projections, [d], and compares them with their checksums: one pass through all
 * partitions.
 *
 * @throws VerificationError where a partition is not as it was recorded, or holds what is no number
 */
export async function meanOfColumns(
  partitions: readonly PartitionInput[],
  { executor, stopwatch }: Tools,
): Promise<Float64Array> {
  const { hidden: d, directory } = partitions[0]!;
  const rows = rowsOf(partitions);
  return stopwatch.time('mean row', rows, async (advance) => {
    const sums: Float64Array[] = [];
    const problems: string[][] = [];
    await runTasks(tellRows(executor, advance), 'columnSums', partitions, (result, index) => {
      sums[index] = result.sums;
      problems[index] = result.problems;
    });
    refuseDamaged(directory, problems.flat());
    // In the order of the partitions, whichever came first.
    const mean = new Float64Array(d);
    for (const part of sums) for (let j = 0; j < d; j++) mean[j]! += part[j]!;
    for (let j = 0; j < d; j++) mean[j]! /= rows;
    if (mean.every(Number.isFinite)) return mean;
    throw new VerificationError(
      `${directory}: its projections hold what is no number; see what \`verify\` says of them`,
    );
  });
}

/** Takes the norms of all rows, and finds which are equal: one pass through all partitions. @param mean m, [d] */
export async function measureRows(
  { partitions, eigenvalues }: MeasuredRun,
  mean: Float64Array,
  { executor, stopwatch }: Tools,
): Promise<MeasuredRows> {
  const keys = randomFillSync(new BigUint64Array(2 * mean.length));
  const inputs = partitions.map((partition) => ({ ...partition, mean, eigenvalues, keys }));
  const parts: RowFacts[] = [];
  await stopwatch.time('norms', rowsOf(partitions), (advance) =>
    runTasks(tellRows(executor, advance), 'rowFacts', inputs, (result, index) => {
      parts[index] = result;
    }),
  );
  const numbers = (of: (facts: RowFacts) => Float64Array) => joined(parts.map(of), Float64Array);
  const hashes = (which: 0 | 1) =>
    joined(
      parts.map((facts) => facts.hashes[which]),
      BigUint64Array,
    );
  const causalNorms = numbers((facts) => facts.centredCausalNorms);
  const { causal, euclidean } = coordinatesOf(eigenvalues, mean);
  return {
    spaces: {
      causal: { ...causal, norms: causalNorms },
      euclidean: { ...euclidean, norms: numbers((facts) => facts.norms) },
    },
    rootMeanSquares: {
      causal: rootMeanSquare(causalNorms),
      euclidean: rootMeanSquare(numbers((facts) => facts.centredNorms)),
    },
    equal: equalRows(firstOfEqual([hashes(0), hashes(1)])),
  };
}

function rowsOf(partitions: readonly PartitionInput[]): number {
  return partitions.reduce((sum, { rows }) => sum + rows.count, 0);
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
