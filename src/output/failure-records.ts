import { hostname } from 'node:os';
import { z } from 'zod';
import { parseJson } from '../files/json.js';
import { type StageName, stageNames, type UnitName, unitNumber } from '../plan/stages.js';
import type { RunStore } from './run-store.js';

const schema = z.object({
  stage: z.enum(stageNames),
  unit: z.int().min(0),
  attempt: z.int().min(1),
  /** SHA-256 (hex) of the plan that it belongs to. */
  plan: z.string(),
  message: z.string(),
  /** Whether the same unit may succeed when it is tried again, with nothing changed. */
  isPassing: z.boolean(),
  host: z.string(),
  /** ISO time. */
  failed: z.string(),
});

/** Record of an attempt at a unit that failed. */
export type FailureRecord = z.infer<typeof schema>;

/** Folder of these records in a run's directory. */
export const FAILURES_FOLDER = 'failed';

/** Records an attempt that failed, under the next number that is free. */
export function publishFailure(
  store: RunStore,
  failure: UnitName & Pick<FailureRecord, 'plan' | 'message' | 'isPassing'>,
): void {
  const { stage, unit } = failure;
  for (
    let attempt = failuresOfStage(store, stage).filter((one) => one.unit === unit).length + 1;
    ;
    attempt++
  ) {
    const record = { ...failure, attempt, host: hostname(), failed: new Date().toISOString() };
    const name = `${FAILURES_FOLDER}/${stage}/${unitNumber(unit)}.${attempt}.json`;
    if (store.publish(name, [Buffer.from(`${JSON.stringify(record)}\n`)]) === 'published') return;
  }
}

/** Reads what failed in a stage, by unit and attempt; what cannot be read is left out. */
export function failuresOfStage(store: RunStore, stage: StageName): FailureRecord[] {
  const folder = `${FAILURES_FOLDER}/${stage}`;
  const records = store.list(folder).flatMap((name) => parseFailure(store.read(`${folder}/${name}`)) ?? []);
  return records.sort((a, b) => a.unit - b.unit || a.attempt - b.attempt);
}

function parseFailure(bytes: Uint8Array | null): FailureRecord | null {
  if (bytes === null) return null;
  try {
    return schema.parse(parseJson(Buffer.from(bytes).toString()));
  } catch {
    return null;
  }
}
