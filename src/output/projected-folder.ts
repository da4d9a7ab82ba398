import { existsSync, lstatSync, renameSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError, VerificationError } from '../errors.js';
import { hashFile } from '../files/hash-file.js';
import { parseJson } from '../files/json.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { removeFile } from '../files/remove-file.js';
import { syncDirectory } from '../files/sync-files.js';
import { asOutputError } from '../files/write-error.js';
import { vectorKinds, vectorSpaces } from '../plan/vector-kind.js';
import { shownValue } from '../text/shown-value.js';
import { checkSchema, normRecordSchema } from './manifest.js';
import { refuseLeadingOut } from './own-files.js';
import { backendSchema, fileRecordSchema } from './schemas.js';
import { isSealed, sealedText } from './seal.js';

/** Folder in a run's directory in which every projection of vectors has a folder of its own. */
export const PROJECTED_FOLDER = 'projected';

/** File in the folder of a projection that says what lies there; it is written last. */
export const PROJECTED_NAME = 'projected.json';

export const VECTORS_NAME = 'vectors.parquet';
export const RANKED_TOKENS_NAME = 'tokens.parquet';

/** Formats in which coordinates and duals are written. */
export const vectorFormats = ['safetensors', 'npy'] as const;
/** Format in which coordinates and duals are written. */
export type VectorFormat = (typeof vectorFormats)[number];

const ROLE = 'the record of projected vectors';

const projectedSchema = z.object({
  format: z.literal('eigenshard-projected'),
  layout: z.literal(1),
  version: z.string(),
  /** The run by whose eigenbasis the vectors were projected. */
  run: z.object({ fingerprint: z.string(), model: z.string() }),
  /** Where the vectors come from. */
  vectors: z.object({
    path: z.string(),
    sha256: z.string(),
    tensor: z.string().nullable(),
    dtype: z.string(),
    isTransposed: z.boolean(),
    /** Number of the first of those of the file. */
    first: z.int().nonnegative(),
    count: z.int().positive(),
    hidden: z.int().positive(),
  }),
  /** What the caller said of them. */
  kind: z.enum(vectorKinds),
  space: z.enum(vectorSpaces),
  /** The final norm that the vectors were taken through; null where they met the rows as they are. */
  norm: normRecordSchema.nullable(),
  /** Tokens in each list; null where none were ranked. */
  top: z.int().positive().nullable(),
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two projections of the same vectors on one machine. */
  execution: z.object({
    started: z.string(),
    finished: z.string(),
    workers: z.number(),
    kernels: backendSchema,
    seconds: z.record(z.string(), z.number()),
    elapsedSeconds: z.number(),
    peakMemoryBytes: z.number(),
  }),
});

/** What a projection of vectors records of itself. */
export type ProjectedManifest = z.infer<typeof projectedSchema>;

/** Names that files in the folder of a projection can have. */
const ownName =
  /^(?:(?:vectors|tokens)\.parquet|(?:coordinates|duals)\.(?:npy|safetensors)|projected\.json|\..+\.partial)$/;

/** Checks the name of a projection. @throws InputError for one that is none */
export function checkProjectedName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,127}$/.test(name)) return name;
  throw new InputError(
    `--name ${shownValue(name)}: expected the name of a folder, of letters, digits, "_", "-" and ".", which begins with a ` +
      'letter or a digit',
  );
}

/** The folder of a projection. @param run directory of the run, absolute */
export function projectedFolder(run: string, name: string): string {
  return path.join(run, PROJECTED_FOLDER, name);
}

/**
 * Makes an empty folder in which the files of a projection are made, beside where they will stand; what a kill left there
 * is removed.
 *
 * @param run directory of the run, absolute and locked
 * @throws InputError where something stands in the place of the projection, unless it is one and is to be replaced
 */
export function openProjectedStage(run: string, name: string, isReplaced: boolean): string {
  const above = path.join(run, PROJECTED_FOLDER);
  refuseLeadingOut(run, above);
  const folder = path.join(above, name);
  if (isThere(folder)) {
    if (!isReplaced)
      throw new InputError(`${folder}: is there already. Give another --name, or --overwrite to replace it`);
    ownFilesOf(folder, true);
  }
  const stage = stageOf(run, name);
  if (isThere(stage)) removeProjection(stage);
  makeDirectory(stage);
  return stage;
}

/** Puts a finished projection in its place. */
export function commitProjection(run: string, name: string): string {
  const folder = projectedFolder(run, name);
  if (isThere(folder)) removeProjection(folder);
  try {
    renameSync(stageOf(run, name), folder);
    syncDirectory(path.dirname(folder));
  } catch (error) {
    throw asOutputError(error, folder);
  }
  return folder;
}

/** Removes what was made of a projection that failed. */
export function discardProjection(run: string, name: string): void {
  const stage = stageOf(run, name);
  if (isThere(stage)) removeProjection(stage);
  const above = path.join(run, PROJECTED_FOLDER);
  if (isThere(above) && namesIn(above).length === 0) rmdirSync(above);
}

/** Writes the record of a projection, sealed. */
export function writeProjectedManifest(folder: string, manifest: ProjectedManifest): void {
  const text = sealedText(projectedSchema.parse(manifest));
  writeFileAtomically(path.join(folder, PROJECTED_NAME), [Buffer.from(text)]);
}

/**
 * Reads the record of a projection.
 *
 * @throws InputError where there is none; VerificationError where it is not as it was written
 */
export function readProjectedManifest(folder: string): ProjectedManifest {
  const file = path.join(folder, PROJECTED_NAME);
  const text = readTextIfThere(file, ROLE);
  if (text === null)
    throw new InputError(`${folder}: holds no ${PROJECTED_NAME}, the record of projected vectors`);
  if (!isSealed(text))
    throw new VerificationError(`${file}: its seal does not fit its text; project the vectors again`);
  const result = projectedSchema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const { path: at, message } = result.error.issues[0]!;
  throw new InputError(
    `${file}: ${shownValue(at.join('.'))}: ${message}. Was it written by another version?`,
  );
}

/**
 * Compares all projections of vectors in a run's directory with their records: folders without a record are somebody
 * else's.
 *
 * @param directory of the run, absolute
 * @returns what is wrong, in words
 */
export async function projectedProblems(directory: string, fingerprint: string): Promise<string[]> {
  const problems: string[] = [];
  for (const name of namesIn(path.join(directory, PROJECTED_FOLDER))) {
    const folder = projectedFolder(directory, name);
    if (name.startsWith('.') || !existsSync(path.join(folder, PROJECTED_NAME))) continue;
    const shown = `${PROJECTED_FOLDER}/${name}`;
    try {
      const { run, files } = readProjectedManifest(folder);
      if (run.fingerprint !== fingerprint)
        problems.push(`${shown}: was projected by another run's eigenbasis`);
      for (const file of files) {
        const place = path.join(folder, path.basename(file.path));
        if (!existsSync(place)) problems.push(`${shown}/${file.path}: is missing`);
        else if ((await hashFile(place, ROLE)) !== file.sha256)
          problems.push(`${shown}/${file.path}: not the recorded bytes`);
      }
    } catch (error) {
      problems.push(`${shown}: ${(error as Error).message}`);
    }
  }
  return problems;
}

function stageOf(run: string, name: string): string {
  return path.join(run, PROJECTED_FOLDER, `.${name}.partial`);
}

function isThere(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

/** Removes a folder of which all files are a projection's. */
function removeProjection(folder: string): void {
  for (const name of ownFilesOf(folder, false)) removeFile(path.join(folder, name));
  try {
    rmdirSync(folder);
  } catch (error) {
    throw asOutputError(error, folder);
  }
}

/**
 * Lists the files of a projection.
 *
 * @param hasRecord whether the folder must be a finished one
 * @throws InputError where something else lies there, which nobody may remove
 */
function ownFilesOf(folder: string, hasRecord: boolean): string[] {
  if (!lstatSync(folder).isDirectory())
    throw new InputError(
      `${folder}: expected a folder of projected vectors, and something else stands there: move it away`,
    );
  const names = namesIn(folder);
  const strange = names.find((name) => !ownName.test(name));
  if (strange === undefined && (!hasRecord || names.includes(PROJECTED_NAME))) return names;
  throw new InputError(
    `${folder}: ${strange === undefined ? 'has no record of a projection' : `holds ${strange}, which no projection writes`}; ` +
      'move it away, or give another --name',
  );
}
