import { type Check, judge } from '../checks/verdict.js';
import { InputError } from '../errors.js';
import type { ParquetColumns } from '../formats/parquet-columns.js';
import { uniform } from '../linalg/uniform.js';
import type { FoundPair } from '../queries/find-pairs.js';
import { namedTokens } from '../queries/named-tokens.js';
import { checkPartitions } from './check-partitions.js';
import { gatherRows } from './gather-rows.js';
import { partitionInputs } from './partition-inputs.js';
import type { LockedRun } from './plan-extension.js';

/** Tokens that controls are drawn from, at least, as far as there are so many. */
const LEAST_POOL = 4096;

/** Stream of the seed by which the tokens are drawn. */
const POOL_STREAM = 1;

/** Rows of the tokens of pairs, and of those that controls are drawn from. */
export interface ConceptRows {
  /** Ids of the tokens, ascending. */
  tokens: Int32Array;
  /** float32 [tokens, d] row-major, in the coordinates of the eigenbasis. */
  values: Float32Array;
  check: Check;
}

/**
 * Reads the rows of the tokens of pairs, and of four times as many tokens, drawn by the seed, for the controls: so memory
 * depends on the pairs, not on how often controls are drawn. Special tokens, those of bytes and rows without a token are not drawn.
 *
 * @param table tokens.parquet
 * @throws InputError where no pair is used; VerificationError where a partition is damaged
 */
export async function conceptRows(
  run: LockedRun,
  pairs: readonly FoundPair[],
  table: ParquetColumns,
  seed: number,
): Promise<ConceptRows> {
  const used = new Set(pairs.filter(({ fate }) => fate === 'used').flatMap(({ a, b }) => [a.id, b.id]));
  if (used.size === 0) throw noPairs(run.directory, pairs);
  const special = await table.values('is_special');
  const orphan = await table.values('is_orphan');
  const { isByte } = await namedTokens(table);
  const drawable = Int32Array.from({ length: table.rows }, (_, id) => id).filter(
    (id) => special[id] !== true && orphan[id] !== true && isByte?.[id] !== true,
  );
  const drawn = draw(drawable, Math.max(LEAST_POOL, 4 * used.size), uniform(seed, POOL_STREAM));
  const tokens = Int32Array.from(new Set([...used, ...drawn])).sort();
  const d = run.manifest.model.hidden;
  const values = new Float32Array(tokens.length * d);
  await checkPartitions(run, partitionInputs(run));
  await gatherRows(run, tokens, (rows, at) => values.set(rows, at * d));
  return { tokens, values, check: await normCheck({ tokens, values }, table, d) };
}

/** Draws some of the tokens, in place, without putting them back. */
function draw(tokens: Int32Array, count: number, random: () => number): Int32Array {
  const some = Math.min(count, tokens.length);
  for (let k = 0; k < some; k++) {
    const other = k + Math.floor(random() * (tokens.length - k));
    [tokens[k], tokens[other]] = [tokens[other]!, tokens[k]!];
  }
  return tokens.subarray(0, some);
}

/** Compares the norms of the rows with those of the table: rows of other tokens have others. */
async function normCheck(
  { tokens, values }: Pick<ConceptRows, 'tokens' | 'values'>,
  table: ParquetColumns,
  d: number,
): Promise<Check> {
  const norms = await table.numbers('norm');
  let worst = 0;
  for (const [k, token] of tokens.entries()) {
    let square = 0;
    for (let j = k * d; j < (k + 1) * d; j++) square += values[j]! * values[j]!;
    const norm = norms[token]!;
    if (norm > 0 || square > 0) worst = Math.max(worst, Math.abs(Math.sqrt(square) / norm - 1));
  }
  return {
    name: 'token norms',
    what: 'max | ||p_i|| / norm - 1 |, the norm of tokens.parquet',
    ...judge(worst, 2 * d * Number.EPSILON),
  };
}

/** Pairs in a message. */
const MOST_SHOWN = 5;

function noPairs(directory: string, pairs: readonly FoundPair[]): InputError {
  const shown = pairs
    .slice(0, MOST_SHOWN)
    .map(({ concept, a, b, fate }) => `  ${concept}: ${a.given}, ${b.given}: ${fate}`);
  const more = pairs.length > shown.length ? [`  and ${pairs.length - shown.length} more`] : [];
  return new InputError(
    [
      `${directory}: no pair has two tokens; give texts of single tokens as \`token\` finds them, or ids:`,
      ...shown,
      ...more,
    ].join('\n'),
  );
}
