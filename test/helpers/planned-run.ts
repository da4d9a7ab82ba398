import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { answer } from './answers.js';
import { scratchDirectory } from './fixtures.js';
import { shardedModel } from './runs.js';

/**
 * Plans a run of a small checkpoint, in partitions of ten rows.
 *
 * @param options of `plan`, and the name of the run's directory
 * @returns the absolute path of the run's directory
 */
export async function plannedRun(
  t: ExecutionContext,
  { name = 'mine', options = [] }: { name?: string; options?: readonly string[] } = {},
): Promise<string> {
  const run = path.join(scratchDirectory(t), name);
  const model = shardedModel(t, 60, 8).directory;
  const always = ['--partition-rows', '10', '--backend', 'portable', '--quiet'];
  const { code, stderr } = await answer('plan', '--model', model, '--out', run, ...always, ...options);
  if (code !== 0) throw new Error(stderr);
  return run;
}
