import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { runTasks } from '../executor/executor.js';
import { hashFile } from '../files/hash-file.js';
import type { LockClaim } from '../files/lock-file.js';
import { recordedExportIdentity } from '../output/export-identity.js';
import type { ExportKind } from '../output/export-kinds.js';
import { type ExportTarget, exportTargets, planExport } from '../output/exports.js';
import { type Manifest, REPORT_NAME, TABLE_NAMES } from '../output/manifest.js';
import type { ManifestFile } from '../output/manifest-files.js';
import { placeOf, stageOf } from '../output/staged-files.js';
import { type Additions, configDefaults } from './config.js';
import type { RunContext } from './context.js';
import { diskNeedsOf, refuseFullDisk } from './disk-space.js';
import { tableBounds } from './planned-files.js';

/** A finished run that this process has locked. */
export interface LockedRun {
  /** Absolute. */
  directory: string;
  manifest: Manifest;
  lock: LockClaim;
  context: RunContext;
}

/** What is to be made for a finished run, and what lies there already. */
export interface Extension {
  /** Exports to be made, new ones and damaged ones. */
  targets: ExportTarget[];
  /** Tokens in each list of the tables to be made; null where none are. */
  top: number | null;
  /** Files asked for that are intact. */
  intact: string[];
}

/** Finds out what is to be made: what the run has not, and what is damaged. */
export async function planExtension(run: LockedRun, { exports, tables, top }: Additions): Promise<Extension> {
  const asked = tables !== undefined || top !== undefined;
  const found = await exportsToMake(run, exports);
  if (!asked) return { ...found, top: null };
  const { manifest } = run;
  const known = manifest.tables;
  const wanted = Math.min(top ?? known?.top ?? configDefaults.top, manifest.model.rows);
  const files = tableFiles(manifest);
  if (known === null)
    for (const name of [...Object.values(TABLE_NAMES), REPORT_NAME]) refuseForeign(run, name);
  const areThere = known?.top === wanted && (await damagedOf(run, files)).size === 0;
  return areThere
    ? { ...found, top: null, intact: [...found.intact, ...files.map((file) => file.path)] }
    : { ...found, top: wanted };
}

async function exportsToMake(
  run: LockedRun,
  kinds: readonly ExportKind[],
): Promise<Pick<Extension, 'targets' | 'intact'>> {
  const { directory, manifest } = run;
  const recorded = manifest.exports.filter(({ kind }) => kinds.includes(kind));
  const damaged = await damagedOf(run, recorded);
  const byDefault = exportTargets(Object.fromEntries(kinds.map((kind) => [kind, true])), directory);
  const targets = byDefault.filter((target) => {
    const record = recorded.find(({ kind, holds }) => kind === target.kind && holds === target.holds);
    if (record === undefined) refuseForeignExport(run, target, byDefault);
    else if (!damaged.has(record.path)) return false;
    else if (path.resolve(directory, record.path) !== target.path) {
      throw new InputError(
        `${record.path}: is damaged or missing, and has a place of its own, which the run's own command with --resume ` +
          'fills again',
      );
    }
    return true;
  });
  const intact = recorded.filter((file) => !damaged.has(file.path)).map((file) => file.path);
  return { targets, intact };
}

/** Names of the files that are not as they were recorded. */
async function damagedOf(
  { directory, context }: LockedRun,
  files: readonly ManifestFile[],
): Promise<Set<string>> {
  const damaged = new Set<string>();
  const inputs = files.map((file) => ({
    files: [{ ...file, sha256: file.sha256!, absolutePath: placeOf(directory, file) }],
  }));
  await runTasks(context.executor, 'checksum', inputs, ({ problems }, index) => {
    for (const problem of problems) context.note(`${problem}: to be made again`);
    if (problems.length > 0) damaged.add(files[index]!.path);
  });
  return damaged;
}

/** The tables of a run and its report. */
export function tableFiles({ tables, report }: Manifest): ManifestFile[] {
  return [...(tables?.files ?? []), ...(report === null ? [] : [report])];
}

/** @param name relative to the directory, or absolute; a file of this name is none that the run recorded */
function refuseForeign({ directory }: LockedRun, name: string): void {
  const file = path.resolve(directory, name);
  if (existsSync(file)) throw foreign(directory, file);
}

/**
 * Refuses a file that stands in the place of an export and cannot be one of this run. One of its length may be: a manifest
 * that was lost has named it, and `refuseForeignExports` compares it.
 *
 * @param asked all exports that are asked for, of which each may name another
 */
function refuseForeignExport(
  { directory, manifest }: LockedRun,
  target: ExportTarget,
  asked: readonly ExportTarget[],
): void {
  const found = statSync(target.path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const { bytes } = planExport(target, recordedExportIdentity(directory, manifest, asked));
  if (!found.isFile() || found.size !== bytes) throw foreign(directory, target.path);
}

/**
 * Refuses files that stand in the places of exports, which the run had not recorded and which are not what it has made now.
 *
 * @param run before it was extended
 * @param extended manifest with the new exports
 */
export async function refuseForeignExports(
  { directory, manifest }: LockedRun,
  extended: Manifest,
): Promise<void> {
  const known = new Set(manifest.exports.map((file) => file.path));
  for (const { path: name, sha256 } of extended.exports) {
    const file = path.resolve(directory, name);
    if (known.has(name) || !existsSync(file)) continue;
    if ((await hashFile(file, 'the export')) !== sha256) throw foreign(directory, file);
  }
}

function foreign(directory: string, file: string): InputError {
  return new InputError(
    `${file}: exists, and the run in ${directory} has not recorded it. Move it away, and export again`,
  );
}

/** Refuses what does not fit beside the files that it replaces, which stay until the commit. */
export async function refuseLargeExtension(
  { directory, manifest }: LockedRun,
  { targets, top }: Extension,
): Promise<void> {
  const { rows, hidden } = manifest.model;
  const identity = recordedExportIdentity(directory, manifest, targets);
  const stage = stageOf(directory);
  const tables =
    top === null ? {} : tableBounds({ tables: 'all', top, report: hasReport(manifest) }, { rows, hidden });
  const files = [
    ...targets.map((target) => ({
      path: path.join(stage, path.basename(target.path)),
      bytes: planExport(target, identity).bytes,
    })),
    ...Object.entries(tables).map(([name, bytes]) => ({ path: path.join(stage, name), bytes })),
  ];
  const writes = { out: directory, files, downloadTarget: null, bytesToDownload: 0 };
  refuseFullDisk(
    await diskNeedsOf([writes]),
    'the export',
    'The run is as it was. Free space, and export again',
  );
}

/** Whether the run is to have a report with its tables: where it has one, or has had no tables to show. */
export function hasReport({ tables, report }: Manifest): boolean {
  return tables === null || report !== null;
}
