import { type Executor, runTasks } from '../executor/executor.js';
import type { Tasks } from '../executor/tasks.js';
import type { ExportDigest } from '../output/exports.js';

/** What the reading of exports found. */
export interface ExportFindings {
  problems: string[];
  /** By path, of those that could be read. */
  digests: Map<string, ExportDigest>;
}

/** Reads exports whole, on the pool. */
export async function digestExports(
  executor: Executor,
  inputs: readonly Tasks['digest']['input'][],
): Promise<ExportFindings> {
  const findings: ExportFindings = { problems: [], digests: new Map() };
  await runTasks(executor, 'digest', inputs, ({ problems, bytes, sha256 }, index) => {
    findings.problems.push(...problems);
    findings.digests.set(inputs[index]!.file, { bytes, sha256 });
  });
  return findings;
}
