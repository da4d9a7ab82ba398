import path from 'node:path';
import type { EigenbasisOnDisk } from '../output/eigenbasis-file.js';
import { recordedExportIdentity } from '../output/export-identity.js';
import { exportKinds } from '../output/export-kinds.js';
import {
  type ExportDigest,
  type ExportTarget,
  exportEigenbasis,
  exportName,
  openExports,
  publishProjectionsExports,
} from '../output/exports.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { Manifest } from '../output/manifest.js';
import { stageFile } from '../output/staged-files.js';
import { exportProjections } from './export-projections.js';
import type { LockedRun } from './plan-extension.js';
import { recordedPartitions } from './recorded-partitions.js';

/**
 * Makes exports of a finished run on its stage.
 *
 * @returns the manifest of the run with them
 */
export async function extendExports(
  { directory, manifest, lock, context }: LockedRun,
  targets: readonly ExportTarget[],
  basis: EigenbasisOnDisk,
  stage: string,
): Promise<Manifest> {
  if (targets.length === 0) return manifest;
  const { model, fingerprint, layout } = manifest;
  const identity = recordedExportIdentity(directory, manifest, targets);
  const staged = targets.map((target) => ({ ...target, path: path.join(stage, path.basename(target.path)) }));
  const projections = openExports(staged, identity);
  const run = {
    directory,
    lock,
    hidden: model.hidden,
    metadata: fileMetadata(fingerprint, layout, model.name),
    partitions: recordedPartitions(manifest),
    exports: projections,
  };
  const { parts, digests } =
    projections.length === 0
      ? { parts: manifest.partitions, digests: new Map<string, ExportDigest>() }
      : await exportProjections(run, context);
  for (const [file, digest] of exportEigenbasis(staged, basis, identity)) digests.set(file, digest);
  publishProjectionsExports(projections);
  const offsets = new Map(projections.map((file) => [file.path, file.layout.tensors[0]!.byteOffset]));
  const records = targets.map((target, k): ExportRecord => {
    const { path: made } = staged[k]!;
    const digest: ExportDigest = digests.get(made)!;
    stageFile(directory, { path: path.basename(made), sha256: digest.sha256 });
    const name = exportName(directory, target.path);
    return { ...target, path: name, ...digest, byteOffset: offsets.get(made) ?? null };
  });
  const others = manifest.exports.filter(({ path: name }) => !records.some((record) => record.path === name));
  const exports = [...others, ...records].toSorted((a, b) => rankOf(a) - rankOf(b));
  return {
    ...manifest,
    options: { ...manifest.options, exports: [...new Set(exports.map(({ kind }) => kind))].sort() },
    partitions: manifest.partitions.map((partition, k) => ({ ...partition, crc32: parts[k]!.crc32 })),
    exports,
  };
}

type ExportRecord = Manifest['exports'][number];

/** Place of an export in the manifest: by kind, an eigenbasis before projections. */
function rankOf({ kind, holds }: ExportRecord): number {
  return exportKinds.indexOf(kind) * 2 + (holds === 'eigenbasis' ? 0 : 1);
}
