import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import path from 'node:path';
import { combineCrc32 } from '../files/crc32.js';
import type { Slice, SliceRecord } from '../files/file-record.js';
import { makeDirectory } from '../files/make-directory.js';
import { regularFile } from '../files/open-file.js';
import { isOwnFile } from '../files/own-file.js';
import { sweepPartialFiles, writeFully } from '../files/partial-file.js';
import { removeFile } from '../files/remove-file.js';
import { asOutputError } from '../files/write-error.js';
import type { FileLayout } from '../formats/layout.js';
import { planNpyFile } from '../formats/npy-header.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { planTorchFile } from '../formats/torch/plan-torch-file.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { ExportKind } from './export-kinds.js';
import { writeRecordedFile } from './recorded-file.js';

/** The exports asked for, each with paths of its own, or `true`: the default names inside the output directory. */
export interface ExportsConfig {
  pt?: true | { eigenbasis: string; projections: string } | undefined;
  safetensors?: true | { projections: string } | undefined;
  npy?: true | { projections: string } | undefined;
}

/** A file that a run writes beside its partitions because it was asked for. */
export interface ExportTarget {
  kind: ExportKind;
  holds: 'eigenbasis' | 'projections';
  /** Absolute. */
  path: string;
}

/** The exports asked for, in a fixed order; those without a path of their own lie in the output directory. */
export function exportTargets(config: ExportsConfig, directory: string): ExportTarget[] {
  const targets: ExportTarget[] = [];
  const add = (kind: ExportKind, holds: ExportTarget['holds'], file: string | undefined) =>
    targets.push({
      kind,
      holds,
      path: file === undefined ? path.join(directory, `${holds}.${kind}`) : path.resolve(file),
    });
  const { pt, safetensors, npy } = config;
  if (pt !== undefined) {
    add('pt', 'eigenbasis', pt === true ? undefined : pt.eigenbasis);
    add('pt', 'projections', pt === true ? undefined : pt.projections);
  }
  if (safetensors !== undefined) {
    add('safetensors', 'projections', safetensors === true ? undefined : safetensors.projections);
  }
  if (npy !== undefined) add('npy', 'projections', npy === true ? undefined : npy.projections);
  return targets;
}

/** What the exports say of their run: the notebook's own metadata. */
export interface ExportIdentity {
  model: string;
  /** V and d. */
  rows: number;
  hidden: number;
  /** Whether the metric was given, and not computed as (Cov + rho I)^-1. */
  isMetricGiven: boolean;
  /** Path of the metric: absolute where it was given, else in the output directory. */
  metric: string;
  /** Name of the exported eigenbasis, or of the run's own, as the manifest has it. */
  eigenbasis: string;
  fingerprint: string;
  /** Day of the run's first start, YYYY-MM-DD (UTC): a resumed run writes the same bytes. */
  date: string;
  createdBy: string;
}

/** What the manifest records of an export's bytes. */
export interface ExportDigest {
  bytes: number;
  sha256: string;
}

/** Projections [V, d] float32 row-major, which the workers write slice by slice under the unfinished name. */
export interface ProjectionsExport extends ExportTarget {
  unfinished: string;
  layout: FileLayout;
}

/** Makes the folders that exports are to lie in, so that a place that cannot be written shows before any work. */
export function prepareExports(targets: readonly ExportTarget[]): void {
  for (const { path: final } of targets) {
    makeDirectory(path.dirname(final), final);
    sweepPartialFiles(path.dirname(final), path.basename(final));
  }
}

/** Makes the files that the workers will write into, at their full size; what an interrupted run left is written over. */
export function openExports(targets: readonly ExportTarget[], identity: ExportIdentity): ProjectionsExport[] {
  prepareExports(targets);
  const exports = targets
    .filter(({ holds }) => holds === 'projections')
    .map((target) => ({
      ...target,
      unfinished: unfinishedName(target.path),
      layout: planExport(target, identity),
    }));
  for (const { path: final, unfinished, layout } of exports) {
    attempt(final, () => {
      // A kill between publishing the exports and committing the run left this one under its final name.
      if (!isOwnFile(unfinished)) removeName(unfinished);
      if (!existsSync(unfinished) && existsSync(final) && isOwnFile(final)) renameSync(final, unfinished);
      closeSync(openSync(unfinished, 'a'));
      if (statSync(unfinished).size !== layout.bytes) truncateSync(unfinished, layout.bytes);
    });
  }
  return exports;
}

/** Removes a link, or one of the names of a file, and leaves what it leads to; refuses pipes, devices and directories. */
function removeName(unfinished: string): void {
  const found = lstatSync(unfinished);
  if (!found.isSymbolicLink()) regularFile(found, unfinished, 'an unfinished export');
  removeFile(unfinished);
}

/** Where rows begin in each export. */
export function slicesOf(exports: readonly ProjectionsExport[], rows: RowRange, hidden: number): Slice[] {
  return exports.map(({ unfinished, layout }) => ({
    file: unfinished,
    byteOffset: layout.tensors[0]!.byteOffset + rows.first * hidden * 4,
  }));
}

/** Where rows lie in each export, and what must be there; nothing where there is no CRC-32 of them. */
export function sliceRecordsOf(
  exports: readonly ProjectionsExport[],
  rows: RowRange,
  hidden: number,
  crc32: number | null,
): SliceRecord[] {
  if (crc32 === null) return [];
  return slicesOf(exports, rows, hidden).map((slice) => ({
    ...slice,
    bytes: rows.count * hidden * 4,
    crc32,
  }));
}

/** Writes what stands around the projections, whose CRC-32 is put together from the partitions' in their order. */
export function finishProjectionsExports(
  exports: readonly ProjectionsExport[],
  partitions: readonly { rows: RowRange; crc32: number | null }[],
  hidden: number,
): void {
  if (exports.length === 0) return;
  const crc = crcOfProjections(partitions, hidden);
  for (const { path: final, unfinished, layout } of exports) {
    attempt(final, () => {
      const descriptor = openSync(unfinished, 'r+');
      try {
        for (const { offset, bytes } of layout.frame([crc])) writeFully(descriptor, bytes, offset, final);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }
}

/** Does something with an export, and says of what the system refuses which one it was. */
function attempt(final: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw asOutputError(error, final);
  }
}

/** CRC-32 of all projections, put together from the partitions'. */
export function crcOfProjections(
  partitions: readonly { rows: RowRange; crc32: number | null }[],
  hidden: number,
): number {
  return partitions.reduce((sum, { rows, crc32 }) => combineCrc32(sum, crc32!, rows.count * hidden * 4), 0);
}

/** How the manifest names an export: relative to the output directory where it lies in it, else absolutely. */
export function exportName(directory: string, file: string): string {
  const relative = path.relative(directory, file);
  const isInside = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
  return isInside ? relative.split(path.sep).join('/') : file;
}

/** Gives the verified exports their names. */
export function publishProjectionsExports(exports: readonly ProjectionsExport[]): void {
  for (const { unfinished, path: final } of exports) attempt(final, () => renameSync(unfinished, final));
}

/**
 * Writes the eigenbasis as the notebook's dictionary: eigenvalues [d] and eigenvectors [d, d], float32.
 * @returns size and SHA-256 of each file, by its path
 */
export function exportEigenbasis(
  targets: readonly ExportTarget[],
  { eigenvalues, eigenvectors }: StoredEigenbasis,
  identity: ExportIdentity,
): Map<string, ExportDigest> {
  const digests = new Map<string, ExportDigest>();
  for (const target of targets.filter(({ holds }) => holds === 'eigenbasis')) {
    const { dir, base } = path.parse(target.path);
    const values = [Float32Array.from(eigenvalues), eigenvectors];
    const { bytes, sha256 } = writeRecordedFile(dir, base, planExport(target, identity), values);
    digests.set(target.path, { bytes, sha256 });
  }
  return digests;
}

/** The layout of an export, which follows from what is said of its run alone. */
export function planExport(target: ExportTarget, identity: ExportIdentity): FileLayout {
  return target.holds === 'eigenbasis'
    ? planEigenbasisExport(target, identity)
    : planProjections(target, identity);
}

/** What an export is called, beside its final place, until the run has been verified. */
export function unfinishedName(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.unfinished`);
}

function planEigenbasisExport(target: ExportTarget, identity: ExportIdentity): FileLayout {
  const { model, hidden, metric, isMetricGiven, date, createdBy, fingerprint } = identity;
  return planTorchFile(archiveName(target), {
    eigenvalues: { dtype: 'float32', shape: [hidden] },
    eigenvectors: { dtype: 'float32', shape: [hidden, hidden] },
    metadata: {
      model,
      hidden_dim: hidden,
      source_metric_tensor: metric,
      computation_date: date,
      description: `Eigendecomposition of ${isMetricGiven ? 'the given metric tensor M' : 'the causal metric tensor M = (Cov(gamma) + rho I)^-1'}`,
      note: 'Eigenvalues are in ascending order. Eigenvectors are columns of the matrix.',
      created_by: createdBy,
      fingerprint,
    },
  });
}

function planProjections(target: ExportTarget, identity: ExportIdentity): FileLayout {
  const { model, rows, hidden, eigenbasis, date, createdBy, fingerprint } = identity;
  const tensor = { dtype: 'float32', shape: [rows, hidden] } as const;
  switch (target.kind) {
    case 'npy':
      return planNpyFile('projections', tensor);
    case 'safetensors':
      return planSafetensorsFile({ projections: tensor }, { model, created_by: createdBy, fingerprint });
    case 'pt':
      return planTorchFile(archiveName(target), {
        projections: tensor,
        metadata: {
          model,
          vocab_size: rows,
          hidden_dim: hidden,
          eigenbasis_source: eigenbasis,
          computation_date: date,
          description: 'Projections of every token on the eigenbasis: projections = gamma @ eigenvectors',
          note: 'Column j belongs to eigenvalue j, ascending. Rows are token ids. The rows of gamma are not centred.',
          created_by: createdBy,
          fingerprint,
        },
      });
  }
}

/** torch.save names the folder inside the archive after the file. */
function archiveName(target: ExportTarget): string {
  return path.basename(target.path).replace(/\.[^.]*$/, '') || 'archive';
}
