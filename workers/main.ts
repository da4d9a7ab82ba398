import { move, transferableSymbol, valueSymbol } from 'piscina';
import { toPlainError } from '../src/errors.js';
import type { TaskCall, TaskName, Tasks } from '../src/executor/tasks.js';
import type { TaskOutcome } from '../src/executor/threads.js';
import { explained } from '../src/files/failure-message.js';
import * as checksums from './checksum.js';
import * as covariances from './covariance.js';
import * as digests from './digest.js';
import { exportRows } from './export.js';
import * as generation from './generate.js';
import { endIfInterrupted } from './interruption.js';
import { buffersOf } from './measure-tables.js';
import * as projection from './project.js';
import { rowsReport } from './rows-report.js';
import * as scans from './scan.js';
import * as verification from './verify.js';

// The entry of a worker thread: Piscina calls the export that has the task's name.

/** Task `generate`. */
export const generate = task<'generate'>(generation.generate);
/** Task `scan`. */
export const scan = task<'scan'>(scans.scan);
/** Task `covariance`, whose sums change hands. */
export const covariance = task<'covariance'>(covariances.covariance, ({ blocks }) => [
  blocks.buffer as ArrayBuffer,
]);
/** Task `project`. */
export const project = task<'project'>(projection.project);
/** Task `export`, whose name is a word of the language. */
const exportTask = task<'export'>(exportRows);

export { exportTask as export };
/** Task `verify`, whose part of the tables changes hands. */
export const verify = task<'verify'>(verification.verify, ({ tables }) =>
  tables === null ? [] : buffersOf(tables),
);
/** Task `unit`, loaded where it is needed: what reads plans and records takes 50 ms of every thread. */
export const unit = task<'unit'>(async (input) => (await import('./unit.js')).unit(input));
/** Task `digest`. */
export const digest = task<'digest'>(digests.digest);
/** Task `checksum`. */
export const checksum = task<'checksum'>(checksums.checksum);

/** Makes a task of a function. A failure leaves the thread as data: a structured clone would strip it of its kind. */
function task<Name extends TaskName>(
  work: (input: Tasks[Name]['input']) => Promise<Tasks[Name]['result']> | Tasks[Name]['result'],
  transferred?: (result: Tasks[Name]['result']) => ArrayBuffer[],
) {
  return async (call: TaskCall<Name>): Promise<unknown> => {
    try {
      endIfInterrupted();
      rowsReport.begin(call);
      const result = await work(call.input);
      const outcome: TaskOutcome = { ok: true, result };
      if (transferred === undefined) return outcome;
      // A large result changes hands instead of being copied.
      return move({ [transferableSymbol]: transferred(result), [valueSymbol]: outcome } as never);
    } catch (error) {
      return { ok: false, error: toPlainError(explained(error)) } satisfies TaskOutcome;
    }
  };
}
