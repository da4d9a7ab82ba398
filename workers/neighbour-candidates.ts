import type { NeighbourCandidatesInput, UnitCandidates } from '../src/executor/tasks.js';
import { keptPlaces } from '../src/plan/neighbour-units.js';
import type { RowRange } from '../src/plan/row-ranges.js';
import { type Candidates, joinedCandidates } from '../src/tables/neighbour-candidates.js';
import { measureDefinitions } from '../src/tables/neighbour-measures.js';
import { Selection } from './neighbour-selection.js';
import { PartitionReader } from './partition-columns.js';
import { QueryBlock } from './query-block.js';
import { sweepRows } from './row-sweep.js';
import { rowsReport } from './rows-report.js';
import { allotSearch } from './search-memory.js';

/**
 * Compares the rows of two groups, or of one, with each other, and keeps of each the k + 8 of the best scores.
 *
 * Blocks of the first group are the fixed operand of products in float32, which the rows of the other are multiplied with, strip
 * by strip. Each pair of rows is multiplied once, and looked at once, for the lists of both. Of a single group, a block meets its
 * own rows, where a pair is multiplied twice and looked at for the list of the query, and those after it.
 *
 * Memory: the projections of a block, twice and once more in the product, a partition by columns, a strip, its products,
 * and the lists of a block and of all rows that it is compared with.
 */
export async function neighbourCandidates(input: NeighbourCandidatesInput): Promise<UnitCandidates> {
  const began = performance.now();
  const { partitions, spaces, backend, measures, k, isFirst, group, other, blocks, floors } = input;
  const listed = other ?? group;
  const queries = Math.max(...blocks.map(({ count }) => count));
  const size = { queries, listedRows: listed.length, places: keptPlaces(k) };
  const { regions, ofSelection } = allotSearch(input, size);
  const reader = new PartitionReader(regions);
  const selections = measures.map((measure, m) => {
    const space = spaces[measureDefinitions[measure].space]!;
    const about = { space, isFirst, listed: { ids: listed, floors: (floors.other ?? floors.group)[m]! } };
    return new Selection(measure, about, ofSelection(measure), size);
  });
  const ofBlocks: Candidates[][] = [];
  for (const { first, count } of blocks) {
    const own = group.slice(first, first + count);
    const block = new QueryBlock({ own, projections: null, isCentred: true }, partitions[0]!.hidden, regions);
    await block.read(partitions, reader);
    for (const [m, selection] of selections.entries())
      selection.begin(block, floors.group[m]!.subarray(first, first + count));
    const sweep = { partitions, spaces, backend, regions, reader, block, selections };
    const [ownRows, others] = [rangeOf(own), other === null ? group.subarray(first + count) : other];
    const wanted = [...(other === null ? [ownRows] : []), ...(others.length > 0 ? [rangeOf(others)] : [])];
    const multiplied = wanted.reduce((sum, range) => sum + range.count, 0);
    await sweepRows(sweep, wanted, (m, rows) => {
      // Pairs of a block's own rows come up as they are, and the other way round.
      selections[m]!.offer(rows, { alsoToRows: rows.firstRow >= ownRows.first + ownRows.count });
      const share = (rows.count / multiplied) * (count / group.length);
      rowsReport.advance((input.rows.count * share) / measures.length);
    });
    ofBlocks.push(selections.map((selection) => selection.ofQueries));
  }
  return {
    ofQueries: measures.map((_, m) => joinedCandidates(ofBlocks.map((block) => block[m]!))),
    ofRows: selections.map((selection) => selection.ofRows),
    seconds: (performance.now() - began) / 1000,
  };
}

/** The stretch of the vocabulary from the first to the last of some rows, which rise. */
function rangeOf(rows: Int32Array): RowRange {
  return { first: rows[0]!, count: rows.at(-1)! - rows[0]! + 1 };
}
