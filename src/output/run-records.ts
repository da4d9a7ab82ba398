import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import type { StageName } from '../plan/stages.js';
import { type DoneRecord, parseRecord, RECORDS_FOLDER, readRecord, recordLine } from './done-records.js';
import { RECORDS_NAME } from './run-folders.js';
import { type PlanOfRun, parsePlan, planLine, type RunPlan, readPlan } from './run-plan.js';
import type { RunStore } from './run-store.js';

/** Plan of a run, and the records of what has been done of it. */
export interface RunRecords {
  plan: RunPlan;
  records: DoneRecord[];
}

/** What the scan of a run has told, once its unit `identity` is done. */
export interface ScannedIdentity {
  /** SHA-256 (hex) that identifies the stored weights. */
  contentSha256: string;
  /** Fingerprint of the run, hex. */
  fingerprint: string;
}

/**
 * Reads plan and records of a run that is not finished; records that are damaged, or of another plan, are as none.
 *
 * @param place directory of the run, for messages
 * @returns null where there is no plan
 * @throws InputError where the plan is damaged
 */
export function readRecords(store: RunStore, place: string): RunRecords | null {
  const plan = readPlan(store, place);
  if (plan === null) return null;
  return { plan, records: plan.stages.flatMap(({ name }) => recordsOfStage(store, plan, name)) };
}

/** Reads the records of a stage, in the order of their units. */
export function recordsOfStage(store: RunStore, plan: RunPlan, name: StageName): DoneRecord[] {
  const units = plan.stages.find((stage) => stage.name === name)?.units ?? 0;
  return store.list(`${RECORDS_FOLDER}/${name}`).flatMap((file) => {
    const unit = Number(/^(\d{5,})\.json$/.exec(file)?.[1] ?? Number.NaN);
    const record = unit < units ? readRecord(store, { stage: name, unit }) : null;
    return record === null || record.plan !== plan.sha256 ? [] : [record];
  });
}

/** What the unit `identity` has found; null where it is not done. */
export function scannedIdentity(records: readonly DoneRecord[]): ScannedIdentity | null {
  const results = records.find(({ stage }) => stage === 'identity')?.results;
  if (typeof results?.contentSha256 !== 'string' || typeof results.fingerprint !== 'string') return null;
  return { contentSha256: results.contentSha256, fingerprint: results.fingerprint };
}

/** Writes plan and records into one file, which a finished run keeps. @returns what the manifest records of it */
export function writeRecordsFile(
  directory: string,
  plan: PlanOfRun,
  records: readonly DoneRecord[],
): FileRecord {
  const sha256 = createHash('sha256');
  let bytes = 0;
  const lines = function* () {
    for (const line of recordsLines(plan, records)) {
      const chunk = Buffer.from(`${line}\n`);
      sha256.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  writeFileAtomically(path.join(directory, RECORDS_NAME), lines());
  return { path: RECORDS_NAME, bytes, sha256: sha256.digest('hex') };
}

function* recordsLines(plan: PlanOfRun, records: readonly DoneRecord[]): Generator<string> {
  yield planLine(plan);
  for (const record of records) yield recordLine(record);
}

/**
 * Reads the records that a finished run keeps; damaged ones are left out.
 *
 * @returns null where there is no such file
 * @throws InputError where its first line, the plan, is damaged, or it cannot be read
 */
export function readRecordsFile(directory: string): RunRecords | null {
  const file = path.join(directory, RECORDS_NAME);
  const text = readTextIfThere(file, 'the records of the run');
  if (text === null) return null;
  const [first = '', ...lines] = text.split('\n');
  const plan = parsePlan(first, file);
  const records = lines.map(parseRecord).filter((record) => record?.plan === plan.sha256);
  return { plan, records: records.filter((record) => record !== null) };
}
