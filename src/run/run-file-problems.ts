import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runTasks } from '../executor/executor.js';
import { asInputError } from '../files/read-error.js';
import { isMissing } from '../files/system-error.js';
import { conceptFolders } from '../output/concept-folder.js';
import type { Manifest } from '../output/manifest.js';
import { type ManifestFile, singleFiles } from '../output/manifest-files.js';
import { isMarker, MARKER_NAME } from '../output/own-files.js';
import { projectedFolders } from '../output/projected-folder.js';
import { folderProblems } from '../output/recorded-folder.js';
import { runFile } from '../output/run-file.js';
import { placeOf } from '../output/staged-files.js';
import { undertrainedFolders } from '../output/undertrained-folder.js';
import { PROJECTIONS_FOLDER } from '../plan/plan-run.js';
import type { RunContext } from './context.js';
import { digestExports } from './digest-exports.js';

/**
 * Compares every file of a finished run but its partitions with the manifest, and the folders that were added to it with
 * their own records; looks for files that do not belong among the partitions, which readers would take for
 * some.
 * @param directory absolute
 * @returns what is wrong, in words, and whether the files that the identities rest on are intact
 */
export async function findFileProblems(
  manifest: Manifest,
  directory: string,
  context: RunContext,
): Promise<{ problems: string[]; isBasisIntact: boolean }> {
  const basis = [
    manifest.eigenbasis,
    ...(manifest.metric.source === 'computed' ? [manifest.metric.file] : []),
  ];
  const basisProblems = await checksumProblems(basis, directory, context);
  const others = singleFiles(manifest).filter((file) => !basis.some((one) => one.path === file.path));
  return {
    problems: [
      ...basisProblems,
      ...(await checksumProblems(others, directory, context)),
      ...(await exportProblems(manifest, directory, context)),
      ...markerProblems(manifest, directory),
      ...strangers(manifest, directory),
      ...(await folderProblems(projectedFolders, directory, manifest.fingerprint)),
      ...(await folderProblems(conceptFolders, directory, manifest.fingerprint)),
      ...(await folderProblems(undertrainedFolders, directory, manifest.fingerprint)),
    ],
    isBasisIntact: basisProblems.length === 0,
  };
}

/** Compares the partitions' files with the manifest, where they are not measured as well. */
export async function partitionProblems(
  { partitions }: Manifest,
  directory: string,
  context: RunContext,
): Promise<string[]> {
  const files = partitions.flatMap((partition) => partition.files);
  return checksumProblems(files, directory, context);
}

/** Compares files of a run with what was recorded of them. @returns what is wrong, in words */
export async function checksumProblems(
  files: readonly ManifestFile[],
  directory: string,
  { executor }: RunContext,
): Promise<string[]> {
  const inputs = files.map((file) => {
    // First of all it must lie in the directory.
    const own = runFile(directory, file.path);
    const { path: name, bytes, sha256 } = file;
    const absolutePath = placeOf(directory, { path: own, sha256 });
    return { files: [{ path: name, bytes, sha256: sha256!, absolutePath }] };
  });
  const problems: string[][] = [];
  await runTasks(executor, 'checksum', inputs, (result, index) => {
    problems[index] = result.problems;
  });
  return problems.flat();
}

async function exportProblems(
  { exports, partitions, model }: Manifest,
  directory: string,
  { executor }: RunContext,
): Promise<string[]> {
  const rowBytes = model.hidden * 4;
  const inputs = exports.map(({ path: name, sha256, byteOffset }) => ({
    file: placeOf(directory, { path: name, sha256 }),
    name,
    slices: partitions.flatMap(({ first, count, crc32 }) =>
      byteOffset === null || crc32 === null
        ? []
        : [{ byteOffset: byteOffset + first * rowBytes, bytes: count * rowBytes, crc32 }],
    ),
    frame: [],
  }));
  const { problems, digests } = await digestExports(executor, inputs);
  for (const [index, { path: name, bytes, sha256 }] of exports.entries()) {
    const found = digests.get(inputs[index]!.file)!;
    if (problems.some((problem) => problem.startsWith(name))) continue;
    if (found.bytes !== bytes) problems.push(`${name}: has ${found.bytes} bytes, not ${bytes}`);
    else if (sha256 !== null && found.sha256 !== sha256) problems.push(`${name}: not the recorded bytes`);
  }
  return problems;
}

function markerProblems({ layout }: Manifest, directory: string): string[] {
  if (layout === 1) return [];
  const file = path.join(directory, MARKER_NAME);
  if (isMarker(file)) return [];
  return [`${MARKER_NAME}: ${existsSync(file) ? 'not the text that a run writes' : 'is missing'}`];
}

/** Files in the partitions' folders that the manifest does not name; hidden ones, which readers pass over, are left out. */
function strangers({ partitions }: Manifest, directory: string): string[] {
  const known = new Set(partitions.flatMap(({ files }) => files.map((file) => file.path)));
  const folders = new Set([...known].map((name) => path.posix.dirname(name)));
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of readdirSync(path.join(directory, folder), { withFileTypes: true })) {
      const name = `${folder}/${entry.name}`;
      if (entry.name.startsWith('.') || known.has(name)) continue;
      if (entry.isDirectory() && [...folders].some((used) => used === name || used.startsWith(`${name}/`)))
        visit(name);
      else
        found.push(
          `${name}: does not belong to this run, and readers of the folder would take it for a part`,
        );
    }
  };
  try {
    visit(PROJECTIONS_FOLDER);
  } catch (error) {
    if (!isMissing(error))
      throw asInputError(error, path.join(directory, PROJECTIONS_FOLDER), 'the partitions');
  }
  return found.sort();
}
