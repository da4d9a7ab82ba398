import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import type { NormRule } from '../input/norm/norm-rules.js';
import { findParquetVectors, isParquet } from '../input/parquet-vectors.js';
import { findVectors, type VectorWish } from '../input/vectors.js';
import { readManifest } from '../output/manifest.js';
import { type ProjectedManifest, type VectorFormat, vectorFormats } from '../output/projected-folder.js';
import { checkFolderName } from '../output/recorded-folder.js';
import { type VectorKind, type VectorSpace, vectorKinds, vectorSpaces } from '../plan/vector-kind.js';
import { type Caller, callerShape } from './caller.js';
import { checkConfig, configDefaults, configSchema } from './config.js';
import { projectInto } from './project-into.js';
import { explainKind, explainSpace, refuseIdleNorm, refuseOtherKind } from './vector-refusals.js';
import { withLockedRun } from './with-locked-run.js';

/** What vectors are, and what is to be found of them. */
export interface ProjectVectorsOptions extends VectorWish {
  /**
   * What the vectors are: 'token', such as a difference of rows, or 'hidden', such as a hidden state or a decoder row. The
   * wrong one is off by up to the square of the metric's condition number, so there is no default.
   */
  kind: VectorKind;
  /**
   * Where they lie beside the final norm: 'normed' behind it, where rows are multiplied with them, or 'residual' before it.
   * No default, but for token-like vectors without duals, for which it makes no difference.
   */
  space?: VectorSpace | undefined;
  /** Name of the folder in RUN/projected. Default: that of the file, without its ending. */
  name?: string | undefined;
  /** Tokens in each list of tokens.parquet, at most 1,000; 0 ranks none. Default: 20. */
  top?: number | undefined;
  /** Whether the coordinates are written. Default: not. */
  coordinates?: boolean | undefined;
  /** Whether the duals are written. Default: yes. */
  duals?: boolean | undefined;
  /** Format of coordinates and duals: 'safetensors' or 'npy'. Default: 'safetensors'. */
  format?: VectorFormat | undefined;
  /** Folder in which files of Neuronpedia's per-vector fields are written; it must not be there yet. Default: none. */
  neuronpedia?: string | undefined;
  /**
   * The checkpoint, of which the final norm is read for vectors before it: a path, or owner/name@revision on the hub.
   * Default: where the run recorded it.
   */
  model?: string | undefined;
  /** What the final norm is, where the checkpoint's architecture does not tell. */
  normRule?: NormRule | undefined;
  /** Whether a projection of this name is replaced. Default: not. */
  overwrite?: boolean | undefined;
  /**
   * Whether a projection of this name is kept where it is the same and intact, made anew where it is damaged, and gone on with
   * where it is unfinished. Default: not; then one that is there is refused, and what is unfinished removed.
   */
  resume?: boolean | undefined;
  /** Worker threads. Default: the cores available. */
  workers?: number | undefined;
}

/** Vectors that have been projected. */
export interface ProjectedVectors {
  /** Their folder, absolute. */
  directory: string;
  /** What is recorded of them. */
  manifest: ProjectedManifest;
  /** Whether they were projected now; otherwise the same lay there already, intact. */
  isNew: boolean;
}

const projectSchema = z.strictObject({
  kind: z.enum(vectorKinds),
  space: z.enum(vectorSpaces).optional(),
  tensor: z.string().min(1).optional(),
  transpose: z.boolean().optional(),
  rows: z.strictObject({ from: z.int().min(0), to: z.int().min(1).nullable() }).optional(),
  name: z.string().optional(),
  top: z.int().min(0).max(1000).optional(),
  coordinates: z.boolean().optional(),
  duals: z.boolean().optional(),
  format: z.enum(vectorFormats).optional(),
  neuronpedia: z.string().min(1).optional(),
  model: configSchema.shape.model,
  normRule: configSchema.shape.normRule,
  overwrite: z.boolean().optional(),
  resume: z.boolean().optional(),
  workers: configSchema.shape.workers.unwrap().optional(),
  ...callerShape,
}) satisfies z.ZodType<ProjectVectorsOptions & Caller>;

/**
 * Projects vectors that are not rows on the eigenbasis of a finished run, and writes what that says of them into
 * RUN/projected/NAME: vectors.parquet, the duals, the nearest tokens, and the coordinates where they are asked for. The run
 * itself is left as it is. Nothing is written to a stream. A kill at any moment leaves no folder of that name, or the one
 * that was there; what was done by then, `resume` goes on with.
 *
 * @param directory output directory of the run
 * @param file vectors: a .npy, .safetensors, .pt or .parquet file
 * @param options what the vectors are and what is to be found, and how that is watched and stopped
 * @returns where they are, and what is recorded of them
 * @throws EigenshardError of the kind 'input' where there is no run, no such vectors or nothing is said of them,
 *   'verification' where a check fails, 'run' for a full disk, 'interrupted' after an abort
 */
export async function projectVectors(
  directory: string,
  file: string,
  options: ProjectVectorsOptions & Caller,
): Promise<ProjectedVectors> {
  const manifest = readManifest(directory);
  explainKind(directory, options.kind, manifest);
  explainSpace(directory, options, manifest);
  const checked = checkConfig(projectSchema, options, 'options');
  const ownSpace = manifest.model.norm === null ? 'normed' : 'residual';
  const { kind, space = ownSpace, top = 20, duals = true, coordinates = false } = checked;
  if (checked.neuronpedia !== undefined && top === 0)
    throw new InputError(
      `${directory}: the fields for Neuronpedia are made of the nearest tokens, which are not asked for`,
    );
  if (checked.resume === true && (checked.overwrite === true || checked.neuronpedia !== undefined))
    throw new InputError(
      `${directory}: resume keeps a projection that is the same, which neither overwrite nor neuronpedia can go with: leave one away`,
    );
  if (checked.format !== undefined && !duals && !coordinates)
    throw new InputError(
      `${directory}: --format says how duals and coordinates are written, and neither is asked for: leave it away, or ask for ` +
        'one of them (--coordinates)',
    );
  refuseIdleNorm(directory, { ...checked, space }, manifest);
  const name = checkFolderName(checked.name ?? nameOf(file));
  const find = (await isParquet(file)) ? findParquetVectors : findVectors;
  const source = await find(path.resolve(file), manifest.model.hidden, checked);
  refuseOtherKind(source, kind);
  const { workers = configDefaults.workers, format = 'safetensors', neuronpedia = null } = checked;
  const projected = await withLockedRun(directory, workers, options, (run) =>
    projectInto(run, source, {
      ...{ kind, space, name, top, duals, coordinates, format },
      neuronpedia: neuronpedia === null ? null : path.resolve(neuronpedia),
      model: checked.model,
      normRule: checked.normRule,
      isReplaced: checked.overwrite ?? false,
      isResumed: checked.resume ?? false,
    }),
  );
  return { directory: projected.directory, manifest: projected.record, isNew: projected.isNew };
}

function nameOf(file: string): string {
  return path.basename(file).replace(/\.(?:npy|safetensors|pt|pth|bin|parquet)$/i, '');
}
