import { withCleanUp } from '../files/clean-up.js';
import { refuseLost } from '../files/lock.js';
import { type EigenbasisOnDisk, readEigenbasis } from '../output/eigenbasis-file.js';
import { exportName } from '../output/exports.js';
import type { Manifest } from '../output/manifest.js';
import { stageRecords } from '../output/records-of-manifest.js';
import { commitStaged, openStage, settleStage } from '../output/staged-files.js';
import type { Additions } from './config.js';
import type { RunContext } from './context.js';
import { refuseDamaged } from './export-projections.js';
import { extendExports } from './extend-exports.js';
import { extendTables, readTableInputs } from './extend-tables.js';
import {
  type Extension,
  type LockedRun,
  planExtension,
  refuseForeignExports,
  refuseLargeExtension,
  tableFiles,
} from './plan-extension.js';
import { checksumProblems } from './run-file-problems.js';
import { withExtensibleRun } from './with-extensible-run.js';

/** A finished run after what was asked for has been added. */
export interface ExtendedRun {
  /** The output directory, absolute. */
  directory: string;
  /** What the run records of itself now. */
  manifest: Manifest;
  /** Files that were made, as the manifest names them. */
  made: string[];
  /** Files that were asked for and lay there intact, which were left. */
  intact: string[];
}

/**
 * Adds exports and tables to a finished run under its lock, see `exportRun`.
 *
 * @param model where the checkpoint lies now, if not where the run recorded it
 * @throws InputError, RunError, VerificationError; the run is then as it was
 */
export async function extendRun(
  directory: string,
  wanted: Additions,
  model: string | undefined,
  context: RunContext,
): Promise<ExtendedRun> {
  return withExtensibleRun(directory, context, async (run) => {
    const plan = await planExtension(run, wanted);
    const { intact } = plan;
    const { directory: place, manifest } = run;
    if (plan.targets.length === 0 && plan.top === null)
      return { directory: place, manifest, made: [], intact };
    return { directory: place, intact, ...(await extend(run, plan, model)) };
  });
}

/** Makes what is to be made, and commits it. */
async function extend(
  run: LockedRun,
  plan: Extension,
  model: string | undefined,
): Promise<Pick<ExtendedRun, 'manifest' | 'made'>> {
  const { directory, lock, context } = run;
  const { targets, top } = plan;
  await refuseLargeExtension(run, plan);
  const basis = await readIntactBasis(run);
  // Before the work of exports: it may not be at hand.
  const inputs = top === null ? null : await readTableInputs(run, model);
  return withCleanUp(
    async () => {
      const stage = openStage(directory);
      let manifest = await extendExports(run, targets, basis, stage);
      const made = targets.map((target) => exportName(directory, target.path));
      if (top !== null && inputs !== null) {
        manifest = await extendTables({ ...run, manifest }, { top, inputs }, basis, stage);
        made.push(...tableFiles(manifest).map((file) => file.path));
      }
      await refuseForeignExports(run, manifest);
      const results = stageRecords(directory, run.manifest, manifest);
      await context.stopwatch.time('commit', undefined, () => commitStaged(directory, results, lock));
      return { manifest: results, made };
    },
    () => {
      // What a process has staged that has taken the directory over is its own.
      refuseLost(lock);
      settleStage(directory);
    },
  );
}

/** Reads the eigenbasis, which all that is made rests on. */
async function readIntactBasis({ directory, manifest, context }: LockedRun): Promise<EigenbasisOnDisk> {
  const { eigenbasis, model } = manifest;
  refuseDamaged(directory, await checksumProblems([eigenbasis], directory, context));
  return readEigenbasis(directory, model.hidden, eigenbasis);
}
