import { metricMatches } from '../checks/covariance-identities.js';
import type { Check } from '../checks/verdict.js';
import { recordOf } from '../input/norm/fold-source.js';
import { effectiveRows } from '../input/weighting/row-weights.js';
import {
  type ExportDigest,
  type ExportTarget,
  exportName,
  type ProjectionsExport,
} from '../output/exports.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import type { Manifest, RunResults } from '../output/manifest.js';
import { secondMomentOf } from '../output/run-identity.js';
import type { RunPlan } from '../output/run-plan.js';
import { type RowSumsOfTables, spectralFiguresOf } from '../tables/spectral-figures.js';
import { type SpectrumSource, summariseSpectrum } from '../tables/spectrum.js';
import { version } from '../version.js';
import type { Basis } from './basis.js';
import type { ExportedRows } from './digest-exports.js';
import type { VerificationResult } from './judge-run.js';
import type { SettledIdentity } from './settle-identity.js';
import type { UnitRun } from './unit-run.js';

/** Exports of a run that have been made. */
export interface MadeExports {
  targets: readonly ExportTarget[];
  projections: readonly ProjectionsExport[];
  /** CRC-32 of each partition's rows; empty where no projections are exported. */
  parts: readonly ExportedRows[];
  /** Size and SHA-256 of every export, by its absolute path. */
  digests: ReadonlyMap<string, ExportDigest>;
}

/** What the stages of a run have found. */
interface Findings {
  identity: SettledIdentity;
  basis: Basis;
  verified: VerificationResult;
  spectrum: SpectrumSource;
  tables: Manifest['tables'];
  /** What the tables are made of; null where there are none. */
  merged: RowSumsOfTables | null;
  exports: MadeExports;
}

/** What the manifest says of a run, but for how it went and the report. */
export function resultsOf(
  { directory, plan }: Pick<UnitRun, 'directory' | 'plan'>,
  { identity, basis, verified, spectrum, tables, merged, exports }: Findings,
): RunResults {
  const { checkpoint, units, identity: planned } = plan;
  const { verification, projections, norms, files, means } = verified;
  return {
    format: 'eigenshard-run',
    layout: LAYOUT_VERSION,
    version,
    fingerprint: identity.fingerprint,
    model: {
      name: planned.model.name,
      path: modelAddress(plan),
      revision: checkpoint.revision,
      origin: checkpoint.origin,
      tensor: checkpoint.source.tensor,
      dtype: checkpoint.source.dtype,
      rows: units.rows,
      hidden: units.hidden,
      contentSha256: identity.scan.contentSha256,
      normalisation: checkpoint.normalisation,
      norm: checkpoint.norm ?? null,
      logitBias:
        checkpoint.logitBias === undefined ? null : recordOf(checkpoint.logitBias, checkpoint.logitBias),
      notes: checkpoint.notes,
    },
    weights: weightsOf(plan, identity),
    metric: metricOf(basis, verification.checks),
    options: {
      rows: planned.rows,
      side: planned.side ?? 'output',
      format: planned.format,
      partitionRows: units.partitionRows,
      exports: planned.exports,
    },
    eigenvalues: summariseSpectrum(spectrum),
    spectralFigures: spectralFiguresOf({
      ...spectrum,
      ...basis.stored,
      means,
      rows: units.rows,
      secondMoment: secondMomentOf(planned.metric),
      isWeighted: identity.weights !== null,
      rowSums: merged,
    }),
    projections,
    norms,
    verification,
    eigenbasis: basis.file,
    partitions: units.partitions.map(({ rows }, index) => ({
      ...rows,
      files: files[index]!,
      crc32: exports.parts[index]?.crc32 ?? null,
    })),
    tables,
    exports: exportRecords(exports, directory),
  };
}

function weightsOf({ weights: record }: RunPlan, { weights }: SettledIdentity): Manifest['weights'] {
  if (record === undefined || weights === null) return null;
  return { ...record, ...worthOf(weights) };
}

/** How many rows weights are worth, and how many have one. @param weights [V], their sum is 1 */
export function worthOf(weights: Float64Array): { effectiveRows: number; positiveRows: number } {
  const positiveRows = weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  return { effectiveRows: effectiveRows(weights), positiveRows };
}

function metricOf({ metric }: Basis, checks: readonly Check[]): Manifest['metric'] {
  const matches = metricMatches(checks);
  if (metric.source === 'file') return { ...metric, matches };
  const { relativeRidge = null, secondMoment = 'centred' } = metric;
  return { ...metric, relativeRidge, secondMoment, matches };
}

/** Where `verify` finds the model again; what lies in a cache may be gone from there by then. */
function modelAddress({ checkpoint: { path: directory, origin } }: RunPlan): string {
  return origin === null ? directory : `${origin.repository}@${origin.commit}`;
}

function exportRecords(
  { targets, projections, digests }: MadeExports,
  directory: string,
): Manifest['exports'] {
  const offsets = new Map(projections.map((file) => [file.path, file.layout.tensors[0]!.byteOffset]));
  return targets.map((target) => ({
    ...target,
    path: exportName(directory, target.path),
    ...digests.get(target.path)!,
    byteOffset: offsets.get(target.path) ?? null,
  }));
}
