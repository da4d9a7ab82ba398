import { isDeepStrictEqual } from 'node:util';
import { readable } from '../files/readable.js';
import { additionsOfManifest } from './additions.js';
import type { DoneRecord, Maker } from './done-records.js';
import type { Manifest } from './manifest.js';
import { identityOfManifest } from './manifest-identity.js';
import { type PlanOfRun, parsePlan, planLine, type RunPlan } from './run-plan.js';
import { readRecordsFile, writeRecordsFile } from './run-records.js';
import { stageFile, stageOf } from './staged-files.js';

/** The records of what a finished run keeps, as its manifest tells them. */
export function recordsOfManifest(manifest: Manifest, plan: RunPlan, maker: Maker): DoneRecord[] {
  const { metric, eigenbasis, partitions, execution } = manifest;
  const made = { ...maker, plan: plan.sha256, part: null, started: execution.started, seconds: 0 };
  const basis = [eigenbasis, ...(metric.source === 'computed' ? [metric.file] : [])];
  return [
    { ...made, stage: 'basis', unit: 0, files: basis, results: {} },
    ...partitions.map(({ files }, unit) => ({
      ...made,
      stage: 'project' as const,
      unit,
      files: files.map((file) => ({ path: file.path, bytes: file.bytes, crc32: file.crc32 })),
      results: {},
    })),
  ];
}

/**
 * Makes plan and records of a finished run that is being extended, on its stage: where the manifest is lost, they are what
 * knows of added exports and tables.
 *
 * @param former manifest from before
 * @param manifest with what has been added; where nothing has, only made again, the records stay
 * @returns the manifest that records them
 */
export function stageRecords(directory: string, former: Manifest, manifest: Manifest): Manifest {
  if (isDeepStrictEqual(additionsOfManifest(former), additionsOfManifest(manifest))) return manifest;
  const recorded = readable(() => readRecordsFile(directory));
  // A run of a former version has none; its manifest alone tells of what is added.
  if (recorded === null) return manifest;
  const plan = extendedPlan(recorded.plan, manifest);
  const { sha256 } = parsePlan(planLine(plan), directory);
  const records = recorded.records.map((record) => ({ ...record, plan: sha256 }));
  const stage = stageOf(directory);
  const file = writeRecordsFile(stage, plan, records);
  stageFile(directory, file);
  return { ...manifest, execution: { ...manifest.execution, records: file } };
}

function extendedPlan(
  { units: _, stages: __, sha256: ___, ...plan }: RunPlan,
  manifest: Manifest,
): PlanOfRun {
  const { tables, exports } = identityOfManifest(manifest);
  return {
    ...plan,
    identity: { ...plan.identity, tables, exports },
    exports: manifest.exports.map(({ kind, holds, path }) => ({ kind, holds, path })),
    report: manifest.report !== null,
  };
}
