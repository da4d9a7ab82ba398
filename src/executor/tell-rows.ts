import type { Executor } from './executor.js';
import type { TaskName, Tasks } from './tasks.js';

/**
 * Makes an executor that tells how many rows its tasks have done: as they go, and all of them when a task ends. What a
 * task has done that fails, or is begun again, is taken back, since nothing of it is kept.
 *
 * @param executor runs the tasks, each of which is about rows
 * @param onRows is told of rows that have been done since it was last told; below 0, of rows that are lost
 */
export function tellRows(executor: Executor, onRows: (rows: number) => void): Executor {
  return {
    concurrency: executor.concurrency,
    start: () => executor.start(),
    rest: () => executor.rest(),
    close: () => executor.close(),
    async run<Name extends TaskName>(
      name: Name,
      input: Tasks[Name]['input'],
    ): Promise<Tasks[Name]['result']> {
      let told = 0;
      const tell = (done: number) => {
        if (done !== told) onRows(done - told);
        told = done;
      };
      try {
        const result = await executor.run(name, input, tell);
        if ('rows' in input) tell(input.rows.count);
        return result;
      } catch (error) {
        tell(0);
        throw error;
      }
    },
  };
}
