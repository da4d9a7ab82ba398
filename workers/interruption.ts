import { workerData } from 'node:worker_threads';
import { EigenshardError } from '../src/errors.js';
import type { WorkerSetting } from '../src/executor/tasks.js';

/** Setting of the pool, absent where a task is run outside of one. */
const setting = workerData as WorkerSetting | null | undefined;
const flag = setting?.interruption === undefined ? null : new Int32Array(setting.interruption);

/**
 * Ends the task when the run has been interrupted. Tasks call it between two steps of some hundredths of a second: a
 * thread that is terminated inside of onnxruntime takes the process down with it.
 */
export function endIfInterrupted(): void {
  if (flag !== null && Atomics.load(flag, 0) !== 0) throw new EigenshardError('interrupted', 'interrupted');
}
