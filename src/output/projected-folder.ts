import { existsSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError, VerificationError } from '../errors.js';
import { hashFile } from '../files/hash-file.js';
import { parseJson } from '../files/json.js';
import { namesIn } from '../files/names-in.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { vectorKinds, vectorSpaces } from '../plan/vector-kind.js';
import { shownValue } from '../text/shown-value.js';
import { checkSchema, normRecordSchema } from './manifest.js';
import { refuseLeadingOut } from './own-files.js';
import { backendSchema, fileRecordSchema } from './schemas.js';
import { isSealed, sealedText } from './seal.js';
import { commitStage, discardStage, type FolderKind, openStage } from './staged-folder.js';

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

/** How the folder of a projection is made and replaced. */
const projection: FolderKind = {
  name: 'projection',
  contents: 'projected vectors',
  ownName:
    /^(?:(?:vectors|tokens)\.parquet|(?:coordinates|duals)\.(?:npy|safetensors)|projected\.json|\..+\.partial)$/,
  record: PROJECTED_NAME,
  option: '--name',
};

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
  refuseLeadingOut(run, path.join(run, PROJECTED_FOLDER));
  return openStage(projectedFolder(run, name), projection, isReplaced);
}

/** Puts a finished projection in its place. */
export function commitProjection(run: string, name: string): string {
  const folder = projectedFolder(run, name);
  commitStage(folder, projection);
  return folder;
}

/** Removes what was made of a projection that failed. */
export function discardProjection(run: string, name: string): void {
  discardStage(projectedFolder(run, name), projection);
  const above = path.join(run, PROJECTED_FOLDER);
  if (existsSync(above) && namesIn(above).length === 0) rmdirSync(above);
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
