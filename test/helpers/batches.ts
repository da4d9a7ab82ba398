import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { loadBatch } from '../../src/batch/batch-config.js';
import {
  type BatchPlan,
  type FindOptions,
  isPlanned,
  type PlannedRun,
  planBatch,
} from '../../src/batch/batch-plan.js';
import { scratchDirectory, scratchFile } from './fixtures.js';
import { offlineHub } from './runs.js';

/** Writes the configuration of a batch into a new directory, beside which its runs go. @returns its path */
export function batchFile(t: ExecutionContext, value: Record<string, unknown>): string {
  const out = path.join(scratchDirectory(t), 'runs');
  return scratchFile(t, 'series.json', JSON.stringify({ out, workers: 2, backend: 'portable', ...value }));
}

/** Plans a batch; of the options of `planBatch` those that a test replaces. */
export async function planOf(
  t: ExecutionContext,
  value: Record<string, unknown>,
  options: Partial<FindOptions> = {},
): Promise<BatchPlan> {
  return planBatch(await loadBatch(batchFile(t, value)), { hub: offlineHub, ...options });
}

/** The runs of a plan, none of which may be refused. */
export function plannedRuns({ runs }: BatchPlan): PlannedRun[] {
  const refused = runs.flatMap((run) => (isPlanned(run) ? [] : [run.problem]));
  if (refused.length > 0) throw refused[0];
  return runs.filter(isPlanned);
}

/** Overwrites the last row of a checkpoint of one bfloat16 tensor with NaN, which only reading it can show. */
export function spoilWeights(file: string, original: Buffer): void {
  const bytes = Buffer.from(original);
  bytes.fill(0xff, bytes.length - 16);
  writeFileSync(file, bytes);
}
