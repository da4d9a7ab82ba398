import type { Manifest } from './manifest.js';

/** A file that a manifest records; `path` relative to the output directory, or absolute for an export outside of it. */
export interface ManifestFile {
  path: string;
  bytes: number;
  /** Hex; null for exports of layout 1. */
  sha256: string | null;
}

/** Every file of a finished run but the manifest itself. */
export function manifestFiles(manifest: Manifest): ManifestFile[] {
  return [
    ...singleFiles(manifest),
    ...manifest.partitions.flatMap(({ files }) => files),
    ...manifest.exports,
  ];
}

/** Of these files, those that are no partitions and no exports. */
export function singleFiles({
  eigenbasis,
  metric,
  tables,
  neighbours,
  report,
  execution,
}: Manifest): ManifestFile[] {
  return [
    eigenbasis,
    ...(metric.source === 'computed' ? [metric.file] : []),
    ...(tables?.files ?? []),
    ...(neighbours === null ? [] : [neighbours.file]),
    ...(report === null ? [] : [report]),
    ...[execution.records, execution.journal].filter((file) => file !== null && file !== undefined),
  ];
}
