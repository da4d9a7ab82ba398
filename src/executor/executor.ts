import { inOrder } from '../plan/in-order.js';
import type { TaskName, Tasks } from './tasks.js';

/**
 * Runs tasks somewhere. An executor knows nothing of what a task means, and a stage nothing of where its tasks
 * run: worker threads of this process now, other machines with another implementation.
 */
export interface Executor {
  /** Number of tasks that run at once. */
  readonly concurrency: number;
  /** Gets ready for tasks that will come soon: the first one would wait for what it starts. */
  start(): void;
  /** Frees what idle threads hold, for a while without tasks; the next task starts new ones. While tasks run it does nothing. */
  rest(): void;
  /**
   * Runs one task. Rejects with the task's own EigenshardError, or 'worker-died' when its retries are used up; with
   * another Error only where the task has a fault that nobody foresaw.
   *
   * @param onRows is told now and then how many rows of the task are done; from 0 again where it is begun again
   */
  run<Name extends TaskName>(
    name: Name,
    input: Tasks[Name]['input'],
    onRows?: (done: number) => void,
  ): Promise<Tasks[Name]['result']>;
  /** Ends the threads or machines behind it. */
  close(): Promise<void>;
}

/**
 * Runs one task over many inputs, in their order, `concurrency` at a time: each is taken from `inputs` when its task
 * begins. `onResult` sees each result as it arrives, in any order. After a failure no further task is started, those running are waited for
 * (so what they finish is kept), and the first failure is thrown.
 */
export async function runTasks<Name extends TaskName>(
  executor: Executor,
  name: Name,
  inputs: Iterable<Tasks[Name]['input']>,
  onResult: (result: Tasks[Name]['result'], index: number) => void | Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const waiting = inputs[Symbol.iterator]();
  let taken = 0;
  const lane = async () => {
    while (failures.length === 0) {
      try {
        const { value: input, done } = waiting.next();
        if (done) return;
        const index = taken++;
        await onResult(await executor.run(name, input), index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: executor.concurrency }, lane));
  if (failures.length > 0) throw failures[0];
}

/**
 * Runs tasks as `runTasks` does, and hands their results to `merge` in order of their index: for reductions whose bits
 * must not depend on timing.
 */
export async function reduceTasks<Name extends TaskName>(
  executor: Executor,
  name: Name,
  inputs: readonly Tasks[Name]['input'][],
  merge: (result: Tasks[Name]['result'], index: number) => void,
): Promise<void> {
  await runTasks(executor, name, inputs, inOrder(merge));
}
