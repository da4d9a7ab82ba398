import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { seededOrder } from '../linalg/seeded-order.js';
import { NearestLists } from '../tables/nearest-lists.js';
import type { NormPart } from '../tables/norm-part.js';
import { type ComparedPair, rowsByUnit } from './compared-pair.js';
import type { RunContext } from './context.js';
import type { PairNorms } from './measure-pairs.js';

type Context = Pick<RunContext, 'executor' | 'stopwatch'>;

/** Which neighbours are looked for. */
export interface NeighbourWish {
  /** Tokens whose neighbours are found, at most. */
  sample: number;
  /** Neighbours of each. */
  k: number;
  /** Seed by which the tokens are chosen. */
  seed: number;
}

/** How many neighbours tokens keep. */
export interface NeighboursKept {
  /** Mean share of the k nearest tokens that both runs have. */
  kept: number;
  /** Mean share where B's rows were in a random order: k / (n - 1). */
  chance: number;
  /** Tokens whose neighbours were found, and neighbours of each. */
  sample: number;
  k: number;
  /** Places of those tokens among the pairs, rising, int32 [sample], with the share that each keeps. */
  tokens: Int32Array;
  shares: Float64Array;
}

/**
 * Compares the nearest tokens of a random sample in both runs, each by the centred causal cosine in its own metric, among all
 * shared tokens.
 *
 * @param means of the shared rows
 * @param norms of the shared rows
 */
export async function neighboursKept(
  pair: ComparedPair,
  wish: NeighbourWish,
  { means, norms }: { means: { a: Float64Array; b: Float64Array }; norms: PairNorms },
  context: Context,
): Promise<NeighboursKept> {
  const { count } = pair;
  const k = Math.min(wish.k, count - 1);
  const queries = seededOrder(count, wish.seed).slice(0, wish.sample).sort();
  const lists = await context.stopwatch.time('neighbours', 2 * (count + queries.length), async (advance) => {
    const find = (side: 'a' | 'b') =>
      nearestOf(pair, { side, queries, places: k, mean: means[side], norms: norms[side] }, context, advance);
    return { a: await find('a'), b: await find('b') };
  });
  const shares = sharesKept(lists.a, lists.b, k);
  return {
    kept: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    chance: k / (count - 1),
    ...{ sample: queries.length, k, tokens: queries, shares },
  };
}

/** Neighbours that are looked for in one run. */
interface Search {
  side: 'a' | 'b';
  /** Places of the tokens whose neighbours are wanted. */
  queries: Int32Array;
  places: number;
  mean: Float64Array;
  norms: NormPart;
}

async function nearestOf(
  pair: ComparedPair,
  { side, queries: queryRows, places, mean, norms }: Search,
  { executor }: Context,
  advance: (rows: number) => void,
): Promise<Int32Array> {
  const { source, ids } = pair.rows[side];
  const { eigenvalues, reference: eigenvectors } = pair[side].basis;
  const backend = pair.backend.choice;
  const telling = tellRows(executor, advance);
  const { queries } = await telling.run('neighbourQueries', {
    rows: { first: 0, count: queryRows.length },
    picked: { source, ids: queryRows.map((place) => ids[place]!) },
    ...{ mean, eigenvalues, eigenvectors, backend },
  });
  const picked = rowsByUnit(pair, pair.rows[side]);
  const inputs = pair.units.map((rows, unit) => ({
    rows,
    picked: picked[unit]!,
    norms: {
      centred: norms.centredNorm.slice(rows.first, rows.first + rows.count),
      causal: norms.centredCausalNorm.slice(rows.first, rows.first + rows.count),
    },
    ...{ mean, queries, queryRows, places, backend },
  }));
  const all = new NearestLists(queryRows.length, places);
  await runTasks(telling, 'nearestPicked', inputs, ({ lists }) => all.merge(lists));
  return all.lists.ids;
}

/** Share of each query's list, [queries, k], that is on the other one too, [queries]. */
function sharesKept(one: Int32Array, other: Int32Array, k: number): Float64Array {
  return Float64Array.from({ length: one.length / k }, (_, query) => {
    const [start, end] = [query * k, (query + 1) * k];
    const kept = new Set(other.subarray(start, end));
    const shared = one.subarray(start, end).filter((row) => row >= 0 && kept.has(row));
    return shared.length / k;
  });
}
