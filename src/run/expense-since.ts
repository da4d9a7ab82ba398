import type { RunContext } from './context.js';
import type { Expense } from './stopwatch.js';

/** How something went that is recorded: from when to when, by how many workers, and what it took. */
export type RecordedExpense<Also extends object> = {
  started: string;
  finished: string;
  workers: number;
} & Also &
  Expense;

/**
 * Says how something went up to now, for its record.
 *
 * @param started ISO time of its beginning
 * @param also what else the record has, such as the kernels
 */
export function expenseSince<Also extends object>(
  started: string,
  { executor, stopwatch }: Pick<RunContext, 'executor' | 'stopwatch'>,
  also: Also,
): RecordedExpense<Also> {
  return {
    started,
    finished: new Date().toISOString(),
    workers: executor.concurrency,
    ...also,
    ...stopwatch.report(),
  };
}
