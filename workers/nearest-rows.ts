import { VerificationError } from '../src/errors.js';
import type { Coordinates, NearestRowsInput, Tasks } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { measureValue } from '../src/linalg/neighbour-scores.js';
import { weightedNorms } from '../src/linalg/weighted-norms.js';
import { NearestLists } from '../src/tables/nearest-lists.js';
import { measureDefinitions } from '../src/tables/neighbour-measures.js';
import { memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { type ColumnsAt, columnBytes, readColumns } from './partition-columns.js';

/**
 * Finds the nearest neighbours of a few queries among the rows of one partition: the measures of all pairs in float64, to the
 * bits that `neighbours` gives.
 *
 * Memory: a partition by columns, and some float64 a row.
 */
export async function nearestRows(input: NearestRowsInput): Promise<Tasks['nearestRows']['result']> {
  const { rows, hidden: d, queries, k, measures } = input;
  // Rows are read by pairs.
  const ofRows = (rows.count + 1) * 8;
  const regions = memory.allot({
    ...columnBytes([input]),
    ...{ query: d * 8, centre: d * 8, weights: d * 8 },
    ...{ scales: ofRows, sums: ofRows },
  });
  const columns = await readColumns(input, regions);
  const lists = measures.map((measure) => {
    const { space, isCosine } = measureDefinitions[measure];
    const coordinates = input.spaces[space]!;
    const found = new NearestLists(queries.own.length, k);
    const comparison = { coordinates, isCosine, columns, regions };
    const isDefined = scaleRows(input, comparison);
    const centre = queries.isCentred ? coordinates.mean : null;
    const queryNorms = weightedNorms({ vectors: queries.projections, centre, weights: coordinates.weights });
    for (const [q, own] of queries.own.entries()) {
      endIfInterrupted();
      if (isCosine && queryNorms[q] === 0) continue;
      const squares = squaresTo(input, q, isCosine ? 1 / queryNorms[q]! : 1, comparison);
      for (let i = 0; i < rows.count; i++) {
        const id = rows.first + i;
        if (id === own || !isDefined(i)) continue;
        if (!Number.isFinite(squares[i]!)) throw damaged(input);
        found.offer(q, id, measureValue({ isCosine, d }, squares[i]!));
      }
    }
    return found.lists;
  });
  return { lists };
}

function damaged({ directory, rows: { first, count } }: NearestRowsInput): VerificationError {
  return new VerificationError(
    `${directory}: the projections of tokens ${first} to ${first + count - 1} hold what is no number; see what \`verify\` says of them`,
  );
}

/** What rows and queries are compared in. */
interface Comparison {
  coordinates: Coordinates;
  isCosine: boolean;
  columns: ColumnsAt;
  regions: Record<'query' | 'centre' | 'weights' | 'scales' | 'sums', Region>;
}

/** Sets what the rows are multiplied with: inverse norms for a cosine. @returns whether row i has the measure */
function scaleRows(
  { rows, hidden: d }: NearestRowsInput,
  { coordinates: { mean, weights: given }, isCosine, columns, regions }: Comparison,
): (i: number) => boolean {
  const { centre, weights, scales } = regions;
  weights.float64.set(given);
  if (!isCosine) {
    centre.float64.fill(0);
    scales.float64.fill(1);
    return () => true;
  }
  centre.float64.set(mean);
  scales.float64.fill(0);
  const { offset, columnStride } = columns;
  neighbourKernels.addNorms(
    offset,
    rows.count,
    d,
    columnStride,
    centre.offset,
    weights.offset,
    scales.offset,
  );
  for (let i = 0; i < rows.count; i++) {
    const norm = Math.sqrt(scales.float64[i]!);
    scales.float64[i] = norm > 0 ? 1 / norm : 0;
  }
  return (i) => scales.float64[i]! > 0;
}

/** Sums the squared differences of all rows from query q, valid until the next call. */
function squaresTo(
  { rows, hidden: d, queries: { projections, isCentred } }: NearestRowsInput,
  q: number,
  scale: number,
  { isCosine, columns, regions: { query, centre, weights, scales, sums } }: Comparison,
): Float64Array {
  for (let j = 0; j < d; j++) {
    const taken = isCosine && isCentred ? centre.float64[j]! : 0;
    query.float64[j] = (projections[q * d + j]! - taken) * scale;
  }
  sums.float64.fill(0);
  neighbourKernels.addRowSquares(
    query.offset,
    columns.offset,
    rows.count,
    d,
    columns.columnStride,
    centre.offset,
    weights.offset,
    scales.offset,
    sums.offset,
  );
  return sums.float64;
}
