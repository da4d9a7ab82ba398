import { metricMatches } from '../checks/identities.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { type ExportDigest, exportName } from '../output/exports.js';
import { LAYOUT_VERSION, type Manifest, type RunResults } from '../output/manifest.js';
import { type SpectrumSource, summariseSpectrum } from '../tables/spectrum.js';
import { version } from '../version.js';
import type { Basis } from './basis.js';
import type { BegunRun, RunExports } from './begun-run.js';
import type { VerificationResult } from './judge-run.js';
import type { ProjectedPartition } from './projection.js';

/** What the stages of a run have found. */
interface Findings {
  basis: Basis;
  partitions: readonly ProjectedPartition[];
  verified: VerificationResult;
  spectrum: SpectrumSource;
  tables: Manifest['tables'];
  /** Size and SHA-256 of every export, by its absolute path. */
  digests: ReadonlyMap<string, ExportDigest>;
}

/** What the manifest says of a run, but for how it went and the report. */
export function resultsOf(
  { prepared, directory, exports }: Pick<BegunRun, 'prepared' | 'directory' | 'exports'>,
  { basis, partitions, verified, spectrum, tables, digests }: Findings,
): RunResults {
  const { config, checkpoint, plan } = prepared;
  const { verification, projections, norms, files } = verified;
  return {
    format: 'eigenshard-run',
    layout: LAYOUT_VERSION,
    version,
    fingerprint: prepared.fingerprint,
    model: {
      name: prepared.name,
      path: modelAddress(checkpoint),
      revision: checkpoint.model.revision,
      origin: checkpoint.origin,
      tensor: checkpoint.source.tensor,
      dtype: checkpoint.source.dtype,
      rows: plan.rows,
      hidden: plan.hidden,
      contentSha256: prepared.scan.contentSha256,
      normalisation: checkpoint.normalisation,
      notes: prepared.notes,
    },
    metric: { ...basis.metric, matches: metricMatches(verification.checks) },
    options: {
      rows: config.rows,
      format: config.format,
      partitionRows: plan.partitionRows,
      exports: Object.keys(config.exports).sort(),
    },
    eigenvalues: summariseSpectrum(spectrum),
    projections,
    norms,
    verification,
    eigenbasis: basis.file,
    partitions: partitions.map(({ index, crc32 }) => ({
      ...plan.partitions[index]!.rows,
      files: files[index]!,
      crc32,
    })),
    tables,
    exports: exportRecords(exports, directory.path, digests),
  };
}

/** How a run went. @param started ISO time of its first start */
export function executionOf(
  { prepared, context: { executor, stopwatch } }: Pick<BegunRun, 'prepared' | 'context'>,
  started: string,
): Omit<Manifest['execution'], 'journal'> {
  return {
    started,
    finished: new Date().toISOString(),
    workers: executor.concurrency,
    kernels: prepared.backend.identity,
    ...stopwatch.report(),
  };
}

/** Where `verify` finds the model again; what lies in a cache may be gone from there by then. */
function modelAddress({ path: directory, origin }: Checkpoint): string {
  return origin === null ? directory : `${origin.repository}@${origin.commit}`;
}

function exportRecords(
  { targets, projections }: RunExports,
  directory: string,
  digests: ReadonlyMap<string, ExportDigest>,
): Manifest['exports'] {
  const offsets = new Map(projections.map((file) => [file.path, file.layout.tensors[0]!.byteOffset]));
  return targets.map((target) => ({
    ...target,
    path: exportName(directory, target.path),
    ...digests.get(target.path)!,
    byteOffset: offsets.get(target.path) ?? null,
  }));
}
