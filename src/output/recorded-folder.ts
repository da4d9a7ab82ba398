import { existsSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { InputError, VerificationError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { hashFile } from '../files/hash-file.js';
import { parseJson } from '../files/json.js';
import { namesIn } from '../files/names-in.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { shownValue } from '../text/shown-value.js';
import { refuseLeadingOut } from './own-files.js';
import { isSealed, sealedText } from './seal.js';
import {
  commitStage,
  discardStage,
  type KeptNames,
  openStage,
  type StagedKind,
  sweepStages,
} from './staged-folder.js';

/** What the record of every such folder says. */
export interface FolderRecord {
  /** The run of which it was made. */
  run: { fingerprint: string };
  /** Every file of the folder but the record itself. */
  files: FileRecord[];
}

/** A kind of folders with a sealed record, which is written last. */
export interface RecordedKind<Made> extends StagedKind {
  schema: z.ZodType<Made>;
  /** What makes such a folder again, for messages. */
  again: string;
}

/**
 * A kind of folders in a run's directory, RUN/ABOVE/NAME, in which lies what was made of the finished run later on. The run
 * and its manifest are left as they are.
 */
export interface FolderKind<Made extends FolderRecord> extends RecordedKind<Made> {
  /** Folder in a run's directory in which all folders of the kind lie. */
  above: string;
}

/** Folder that is to be made. */
export interface FolderWish {
  name: string;
  /** Whether one that is there is replaced. */
  isReplaced: boolean;
  /** Whether a file that a kill, or a failure, has left of it is gone on with, by its name; none is where nothing is said. */
  isKept?: KeptNames;
}

/** Checks the name of a folder. @throws InputError for one that is none */
export function checkFolderName(name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,127}$/.test(name)) return name;
  throw new InputError(
    `--name ${shownValue(name)}: expected the name of a folder, of letters, digits, "_", "-" and ".", which begins with a ` +
      'letter or a digit',
  );
}

/** Place of a folder. @param run directory of the run, absolute */
export function folderPlace({ above }: Pick<FolderKind<never>, 'above'>, run: string, name: string): string {
  return path.join(run, above, name);
}

/**
 * Makes a folder in which the files of another one are made, beside where they will stand; what kills left of folders of the
 * kind, of any name, is removed, but for what is kept of this one.
 *
 * @param run directory of the run, absolute and locked
 * @throws InputError where something stands in its place, unless it is of the kind and is to be replaced
 */
export function openFolderStage<Made extends FolderRecord>(
  kind: FolderKind<Made>,
  run: string,
  { name, ...wish }: FolderWish,
): string {
  const above = path.join(run, kind.above);
  refuseLeadingOut(run, above);
  sweepStages(above, kind, name);
  return openStage(folderPlace(kind, run, name), kind, { option: '--name', ...wish });
}

/** Puts a finished folder in its place. @returns the place */
export function commitFolder<Made extends FolderRecord>(
  kind: FolderKind<Made>,
  run: string,
  name: string,
): string {
  const folder = folderPlace(kind, run, name);
  commitStage(folder, kind);
  return folder;
}

/** Removes what was made of a folder that failed, but for what is kept to go on with. */
export function discardFolder<Made extends FolderRecord>(
  kind: FolderKind<Made>,
  run: string,
  { name, isKept }: FolderWish,
): void {
  discardStage(folderPlace(kind, run, name), kind, isKept);
  const above = path.join(run, kind.above);
  if (existsSync(above) && namesIn(above).length === 0) rmdirSync(above);
}

/** Writes the record of a folder, sealed. */
export function writeFolderRecord<Made extends object>(
  { record }: RecordedKind<Made>,
  folder: string,
  made: Made,
): void {
  const text = sealedText(made);
  writeFileAtomically(path.join(folder, record), [Buffer.from(text)]);
}

/**
 * Reads the record of a folder.
 *
 * @throws InputError where there is none; VerificationError where it is not as it was written
 */
export function readFolderRecord<Made>(
  { record, schema, what, again }: RecordedKind<Made>,
  folder: string,
): Made {
  const file = path.join(folder, record);
  const text = readTextIfThere(file, `the record of ${what}`);
  if (text === null) throw new InputError(`${folder}: holds no ${record}, the record of ${what}`);
  if (!isSealed(text)) throw new VerificationError(`${file}: its seal does not fit its text; ${again}`);
  const result = schema.safeParse(parseJson(text));
  if (result.success) return result.data;
  const { path: at, message } = result.error.issues[0]!;
  throw new InputError(
    `${file}: ${shownValue(at.join('.'))}: ${message}. Was it written by another version?`,
  );
}

/** Compares the files of a folder with their record. @returns what is wrong, in words, each with the name of its file */
export async function fileProblemsOf(
  folder: string,
  { files }: Pick<FolderRecord, 'files'>,
): Promise<{ file: string; problem: string }[]> {
  const problems: { file: string; problem: string }[] = [];
  for (const { path: file, sha256 } of files) {
    const place = path.join(folder, path.basename(file));
    if (!existsSync(place)) problems.push({ file, problem: 'is missing' });
    else if ((await hashFile(place, 'a recorded file')) !== sha256)
      problems.push({ file, problem: 'not the recorded bytes' });
  }
  return problems;
}

/**
 * Compares the files of a folder of its own with its record.
 *
 * @returns what is wrong, in words
 * @throws InputError where there is no record; VerificationError where it is not as it was written
 */
export async function recordedProblems<Made extends { files: FileRecord[] }>(
  kind: RecordedKind<Made>,
  folder: string,
): Promise<string[]> {
  const problems = await fileProblemsOf(folder, readFolderRecord(kind, folder));
  return problems.map(({ file, problem }) => `${path.join(folder, file)}: ${problem}`);
}

/**
 * Compares all folders of a kind in a run's directory with their records: folders without a record are somebody else's.
 *
 * @param directory of the run, absolute
 * @returns what is wrong, in words
 */
export async function folderProblems<Made extends FolderRecord>(
  kind: FolderKind<Made>,
  directory: string,
  fingerprint: string,
): Promise<string[]> {
  const problems: string[] = [];
  for (const name of namesIn(path.join(directory, kind.above))) {
    const folder = folderPlace(kind, directory, name);
    if (name.startsWith('.') || !existsSync(path.join(folder, kind.record))) continue;
    const shown = `${kind.above}/${name}`;
    try {
      const made = readFolderRecord(kind, folder);
      if (made.run.fingerprint !== fingerprint) problems.push(`${shown}: was made of another run`);
      for (const { file, problem } of await fileProblemsOf(folder, made))
        problems.push(`${shown}/${file}: ${problem}`);
    } catch (error) {
      problems.push(`${shown}: ${(error as Error).message}`);
    }
  }
  return problems;
}
