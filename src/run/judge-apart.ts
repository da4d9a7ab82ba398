import { Worker } from 'node:worker_threads';
import type { Measurements } from '../checks/measurements.js';
import { RunError } from '../errors.js';
import { type JudgedRun, type Judgement, judgeMeasurements } from './judge-measurements.js';
import type { JudgingData } from './judging-thread.js';

/** Hidden size from which on a judgement takes longer than to start a thread. */
export const WORTH_A_THREAD = 800;

/**
 * Judges measurements as `judgeMeasurements` does, but leaves this thread to others: of a large hidden size it is done in a
 * thread of its own, which gets a copy of all it needs.
 *
 * @throws RunError where the thread died
 */
export async function judgeApart(measurements: Measurements, judged: JudgedRun): Promise<Judgement> {
  const { eigenvalues, covarianceEigenvalues, eigenvectors } = judged.basis;
  if (eigenvalues.length < WORTH_A_THREAD) return judgeMeasurements(measurements, judged);
  const basis = { eigenvalues, covarianceEigenvalues, eigenvectors };
  const thread = new Worker(new URL('./judging-thread.js', import.meta.url), {
    workerData: { measurements, judged: { ...judged, basis } } satisfies JudgingData,
  });
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', (cause) =>
      reject(new RunError(`the thread that judges the projections died: ${cause.message}`, { cause })),
    );
    thread.once('exit', () =>
      reject(new RunError('the thread that judges the projections ended without a word')),
    );
  });
}
