// The entry of the thread that judges: it takes JudgingData, posts the Judgement, and ends.
import { parentPort, workerData } from 'node:worker_threads';
import type { Measurements } from '../checks/measurements.js';
import { type JudgedRun, judgeMeasurements } from './judge-measurements.js';

/** Data that the thread starts with. */
export interface JudgingData {
  measurements: Measurements;
  judged: JudgedRun;
}

const { measurements, judged } = workerData as JudgingData;
parentPort!.postMessage(judgeMeasurements(measurements, judged));
