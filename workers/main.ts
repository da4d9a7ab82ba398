import { toPlainError } from '../src/errors.js';
import type { TaskCall, TaskName, Tasks } from '../src/executor/tasks.js';
import type { TaskOutcome } from '../src/executor/threads.js';
import { explained } from '../src/files/failure-message.js';
import { arraysOf } from '../src/tables/part.js';
import { endIfInterrupted } from './interruption.js';
import { rowsReport } from './rows-report.js';

// The entry of a worker thread: Piscina calls the export that has the task's name. Each loads what it does when it is called
// first: what reads plans and records alone takes 50 ms of every thread.

/** Task `generate`. */
export const generate = task<'generate'>(async () => (await import('./generate.js')).generate);
/** Task `scan`. */
export const scan = task<'scan'>(async () => (await import('./scan.js')).scan);
/** Task `products`. */
export const products = task<'products'>(async () => (await import('./weigh.js')).products);
/** Task `weightedSum`. */
export const weightedSum = task<'weightedSum'>(async () => (await import('./weigh.js')).weightedSum);
/** Task `covariance`, whose sums change hands. */
export const covariance = task<'covariance'>(
  async () => (await import('./covariance.js')).covariance,
  ({ sums }) => [sums],
);
/** Task `project`. */
export const project = task<'project'>(async () => (await import('./project.js')).project);
/** Task `export`, whose name is a word of the language. */
const exportTask = task<'export'>(async () => (await import('./export.js')).exportRows);

export { exportTask as export };
/** Task `verify`, whose part of the tables changes hands. */
export const verify = task<'verify'>(
  async () => (await import('./verify.js')).verify,
  ({ tables }) => (tables === null ? [] : arraysOf(tables)),
);
/** Task `unit`. */
export const unit = task<'unit'>(async () => (await import('./unit.js')).unit);
/** Task `coordinates`. */
export const coordinates = task<'coordinates'>(
  async () => (await import('./coordinates.js')).coordinates,
  ({ part }) => Object.values(part),
);
/** Task `ranking`, whose lists change hands. */
export const ranking = task<'ranking'>(
  async () => (await import('./ranking.js')).ranking,
  ({ lists }) => [lists.keys, lists.tokens],
);
/** Task `crossProducts`, whose sums change hands. */
export const crossProducts = task<'crossProducts'>(
  async () => (await import('./cross-products.js')).crossProducts,
  ({ products }) => [products],
);
/** Task `causalNorms`. */
export const causalNorms = task<'causalNorms'>(async () => (await import('./causal-norms.js')).causalNorms);
/** Task `displacements`. */
export const displacements = task<'displacements'>(
  async () => (await import('./displacements.js')).displacements,
  ({ part }) => Object.values(part),
);
/** Task `neighbourQueries`. */
export const neighbourQueries = task<'neighbourQueries'>(
  async () => (await import('./neighbour-queries.js')).neighbourQueries,
  ({ queries }) => [queries],
);
/** Task `nearestRows`. */
export const nearestRows = task<'nearestRows'>(async () => (await import('./nearest-rows.js')).nearestRows);
/** Task `gather`, whose rows change hands. */
export const gather = task<'gather'>(
  async () => (await import('./gather.js')).gather,
  ({ rows }) => [rows],
);
/** Task `reachability`. */
export const reachability = task<'reachability'>(
  async () => (await import('./reachability.js')).reachability,
);
/** Task `patterns`. */
export const patterns = task<'patterns'>(async () => (await import('./patterns.js')).patterns);
/** Task `rowNorms`. */
export const rowNorms = task<'rowNorms'>(async () => (await import('./row-norms.js')).rowNorms);
/** Task `indicators`. */
export const indicators = task<'indicators'>(async () => (await import('./indicators.js')).indicators);
/** Task `digest`. */
export const digest = task<'digest'>(async () => (await import('./digest.js')).digest);
/** Task `checksum`. */
export const checksum = task<'checksum'>(async () => (await import('./checksum.js')).checksum);

/** Task `columnSums`. */
export const columnSums = task<'columnSums'>(async () => (await import('./column-sums.js')).columnSums);
/** Task `rowFacts`. */
export const rowFacts = task<'rowFacts'>(async () => (await import('./row-facts.js')).rowFacts);
/** Task `nearestPicked`. */
export const nearestPicked = task<'nearestPicked'>(
  async () => (await import('./nearest-picked.js')).nearestPicked,
);
/** Task `neighbourCandidates`, whose lists change hands. */
export const neighbourCandidates = task<'neighbourCandidates'>(
  async () => (await import('./neighbour-candidates.js')).neighbourCandidates,
  ({ ofQueries, ofRows }) => [...ofQueries, ...ofRows].flatMap((lists) => Object.values(lists)),
);
/** Task `neighbours`. */
export const neighbours = task<'neighbours'>(async () => (await import('./neighbours.js')).neighbours);

/** Work of a task. */
type Work<Name extends TaskName> = (
  input: Tasks[Name]['input'],
) => Promise<Tasks[Name]['result']> | Tasks[Name]['result'];

/** Makes a task of a function. A failure leaves the thread as data: a structured clone would strip it of its kind. */
function task<Name extends TaskName>(
  load: () => Promise<Work<Name>>,
  transferred?: (result: Tasks[Name]['result']) => ArrayBufferView[],
) {
  return async (call: TaskCall<Name>): Promise<unknown> => {
    try {
      endIfInterrupted();
      rowsReport.begin(call);
      const work = await load();
      const result = await work(call.input);
      const outcome: TaskOutcome = { ok: true, result };
      if (transferred === undefined) return outcome;
      // A large result changes hands instead of being copied. Units, which leave theirs on the disk, do without Piscina here.
      const { move, transferableSymbol, valueSymbol } = await import('piscina');
      const buffers = transferred(result).map(({ buffer }) => buffer);
      return move({ [transferableSymbol]: buffers, [valueSymbol]: outcome } as never);
    } catch (error) {
      return { ok: false, error: toPlainError(explained(error)) } satisfies TaskOutcome;
    }
  };
}
