import path from 'node:path';
import { z } from 'zod';
import type { Comparison } from '../output/comparison-folder.js';
import { readManifest } from '../output/manifest.js';
import { type Alignment, alignmentKinds } from '../tables/align-vocabularies.js';
import { type Caller, callerShape, withContext } from './caller.js';
import { compareInto } from './compare-into.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { folderBeside, withLockedFolder } from './with-locked-folder.js';

/** How two runs are compared. */
export interface CompareRunsOptions {
  /** Folder in which the comparison is written; it must not be there yet. */
  out: string;
  /** The checkpoint of the first run, a path or owner/name@revision on the hub. Default: where the run recorded it. */
  modelA?: string | undefined;
  /** The checkpoint of the second run. Default: where the run recorded it. */
  modelB?: string | undefined;
  /**
   * How tokens are matched: 'id', 'text', or 'auto', which takes ids where the vocabularies are the same, and texts
   * elsewhere. Default: 'auto'.
   */
  align?: Alignment | undefined;
  /** Tokens whose neighbours are looked for, at most. Default: 1,000. */
  sample?: number | undefined;
  /** Neighbours of each of them, at most 1,000. Default: 20. */
  k?: number | undefined;
  /** Seed of the sample, and of the random order beside every CKA. Default: 1. */
  seed?: number | undefined;
  /** Whether a comparison in the folder is replaced. Default: not. */
  overwrite?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** Two runs that have been compared. */
export interface ComparedRuns {
  /** Folder of the comparison, absolute. */
  directory: string;
  /** What was found and recorded. */
  comparison: Comparison;
}

const compareSchema = z.strictObject({
  out: z.string().min(1),
  modelA: configSchema.shape.model,
  modelB: configSchema.shape.model,
  align: z.enum(alignmentKinds).optional(),
  sample: z.int().min(1).max(20_000).optional(),
  k: z.int().min(1).max(1000).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional(),
  overwrite: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<CompareRunsOptions & Caller>;

/**
 * Compares two finished runs: how far and where their tokens' rows have moved, how alike both sets of rows and both bases
 * are, and which neighbours tokens have kept. Rows are read from the checkpoints that the runs were made from; projections
 * are not needed, and the runs are left as they are. Nothing is written to a stream. A kill at any moment leaves no folder of
 * that name, or the one that was there.
 *
 * @param a output directory of the first run, whose metric measures displacements
 * @param b output directory of the second run
 * @param options where the comparison goes, how tokens are matched, and how that is watched and stopped
 * @returns where it is, and what was found
 * @throws EigenshardError of the kind 'input' where there is no such run or checkpoint, or nothing to compare,
 *   'verification' where a check fails, 'run' for a full disk, 'interrupted' after an abort
 */
export async function compareRuns(
  a: string,
  b: string,
  options: CompareRunsOptions & Caller,
): Promise<ComparedRuns> {
  const manifests = { a: readManifest(a), b: readManifest(b) };
  const checked = checkConfig(compareSchema, options, 'options');
  const folder = folderBeside(checked.out, 'the comparison', [a, b]);
  const { workers = configDefaults.workers, align = 'auto', sample = 1000, k = 20, seed = 1 } = checked;
  return withContext(workers, options, (context) =>
    withLockedFolder(folder, context, async (lock) => ({
      directory: folder,
      comparison: await compareInto(
        {
          a: { directory: path.resolve(a), manifest: manifests.a, moved: checked.modelA, option: 'model-a' },
          b: { directory: path.resolve(b), manifest: manifests.b, moved: checked.modelB, option: 'model-b' },
          ...{ align, neighbours: { sample, k, seed } },
        },
        { folder, lock, isReplaced: checked.overwrite ?? false },
        context,
      ),
    })),
  );
}
