import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { hashFile } from '../files/hash-file.js';
import { refuseLost } from '../files/lock.js';
import { syncFiles } from '../files/sync-files.js';
import { writeTable } from '../formats/parquet-table.js';
import { foldSource, type NormRecord } from '../input/norm/fold-source.js';
import type { NormRule } from '../input/norm/norm-rules.js';
import { type FoundVectors, KIND_METADATA } from '../input/vectors.js';
import type { Backend } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import type { Fold } from '../linalg/fold.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { type EigenbasisOnDisk, readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import { METRIC_NAME, readMean } from '../output/metric-file.js';
import { refuseUsedFolder, writeNeuronpedia } from '../output/neuronpedia.js';
import { openTable } from '../output/open-table.js';
import {
  commitProjection,
  discardProjection,
  openProjectedStage,
  type ProjectedManifest,
  RANKED_TOKENS_NAME,
  VECTORS_NAME,
  type VectorFormat,
  writeProjectedManifest,
} from '../output/projected-folder.js';
import { refuseDamaged } from '../output/refuse-damaged.js';
import { openVectorArray, type VectorArray } from '../output/vector-array.js';
import { type VectorKind, type VectorSpace, vectorKinds } from '../plan/vector-kind.js';
import { PLACES } from '../tables/part.js';
import { type VectorSpectrum, vectorPasses } from '../tables/vector-geometry.js';
import { rankedTokenTable, vectorTable } from '../tables/vector-table.js';
import { version } from '../version.js';
import { computeCoordinates } from './compute-coordinates.js';
import { obtainIfThere } from './obtain-model.js';
import type { LockedRun } from './plan-extension.js';
import { knownTokens, rankTokens } from './rank-tokens.js';
import { readRecordedModel } from './recorded-model.js';
import { refuseFailed } from './refuse-failed.js';
import { coordinateChecks, rankingChecks } from './vector-checks.js';

/** What is to be made of vectors. */
export interface WantedProjection {
  kind: VectorKind;
  space: VectorSpace;
  name: string;
  /** Tokens in each list; 0 where none are ranked. */
  top: number;
  duals: boolean;
  coordinates: boolean;
  format: VectorFormat;
  /** Where the checkpoint, of which the final norm is read, lies now; undefined where the run recorded it. */
  model: string | undefined;
  /** What the final norm is, where the user says it. */
  normRule: NormRule | undefined;
  /** Folder of Neuronpedia's files, absolute; null where none are wanted. */
  neuronpedia: string | null;
  /** Whether a projection of the same name is replaced. */
  isReplaced: boolean;
}

/** A projection that is being made. */
interface Projection {
  run: LockedRun;
  source: FoundVectors;
  wanted: WantedProjection;
  basis: EigenbasisOnDisk;
  spectrum: VectorSpectrum;
  backend: Backend;
  /** The final norm that the vectors are taken through; null where they meet the rows as they are. */
  norm: { fold: Fold; record: NormRecord } | null;
  /** Folder in which its files are made. */
  stage: string;
}

/** Arrays of a projection; null where nobody wants them. */
type Arrays = Record<'coordinates' | 'duals', VectorArray | null>;

/** Projects vectors into the directory of a locked run, see `projectVectors`. */
export async function projectInto(
  run: LockedRun,
  source: FoundVectors,
  wanted: WantedProjection,
): Promise<{ directory: string; manifest: ProjectedManifest }> {
  const { directory, manifest, lock, context } = run;
  const started = new Date().toISOString();
  if (wanted.neuronpedia !== null) refuseUsedFolder(wanted.neuronpedia);
  await refuseDamagedBasis(directory, manifest);
  const basis = await readEigenbasis(directory, manifest.model.hidden, manifest.eigenbasis);
  const spectrum = await spectrumOf(run, basis);
  const norm = await normOf(run, wanted);
  const { kernels } = manifest.execution;
  // A device is not asked for again: it may be gone.
  const recorded = kernels.backend === 'webgpu' ? null : kernels;
  const backend = await chooseBackend({ backend: 'auto', recorded }, context.note);
  const stage = openProjectedStage(directory, wanted.name, wanted.isReplaced);
  return withCleanUp(
    async () => {
      const hash = hashFile(source.file, 'the vectors');
      // Whoever waits for it hears of its failure.
      hash.catch(() => {});
      const projection = { run, source, wanted, basis, spectrum, backend, norm, stage };
      const { checks, files } = await makeProjection(projection);
      const { first, count, hidden, tensor, dtype, isTransposed } = source;
      const record: ProjectedManifest = {
        format: 'eigenshard-projected',
        layout: 1,
        version,
        run: { fingerprint: manifest.fingerprint, model: manifest.model.name },
        vectors: { path: source.file, sha256: await hash, tensor, dtype, isTransposed, first, count, hidden },
        kind: wanted.kind,
        space: wanted.space,
        norm: norm?.record ?? null,
        top: wanted.top === 0 ? null : wanted.top,
        checks,
        files,
        execution: {
          started,
          finished: new Date().toISOString(),
          workers: context.executor.concurrency,
          kernels: backend.identity,
          ...context.stopwatch.report(),
        },
      };
      await syncFiles(files.map((file) => path.join(stage, file.path)));
      writeProjectedManifest(stage, record);
      refuseLost(lock);
      return { directory: commitProjection(directory, wanted.name), manifest: record };
    },
    () => {
      // What a process makes that has taken the directory over is its own.
      refuseLost(lock);
      discardProjection(directory, wanted.name);
    },
  );
}

/** Computes all that is wanted of the vectors, and writes it on the stage. */
async function makeProjection(projection: Projection): Promise<Pick<ProjectedManifest, 'checks' | 'files'>> {
  const { run, source, wanted, basis, spectrum, backend, norm, stage } = projection;
  const { directory, manifest, lock, context } = run;
  const { top, kind } = wanted;
  const tokens = top === 0 ? null : await knownTokens(run, source.count, top);
  const metadata = fileMetadata(manifest.fingerprint, manifest.layout, manifest.model.name);
  const arrays = openArrays(projection, metadata);
  try {
    const { part, deviations } = await computeCoordinates(
      {
        ...{ source, kind, spectrum, lock },
        fold: norm?.fold ?? null,
        eigenvectors: basis.reference,
        backend: backend.choice,
        places: Math.min(PLACES, source.hidden),
        coordinates: arrays.coordinates?.slice ?? null,
        duals: arrays.duals?.slice ?? null,
      },
      basis.eigenvectors,
      context,
    );
    const checks = coordinateChecks(deviations, source.hidden, wanted.duals);
    refuseFailed(source.file, checks);
    const files = [writeTable(stage, VECTORS_NAME, vectorTable(part, source.first), metadata)];
    if (tokens !== null) {
      const vectors = {
        part,
        passes: vectorPasses(kind, spectrum),
        coordinates: arrays.coordinates!.slice,
        backend: backend.choice,
      };
      const { ranked, sums } = await rankTokens(run, vectors, tokens, top);
      checks.push(...rankingChecks(part, sums, manifest));
      refuseFailed(directory, checks);
      await context.stopwatch.time('tables', undefined, async () => {
        const columns = rankedTokenTable(ranked, tokens.texts, source.first);
        files.push(writeTable(stage, RANKED_TOKENS_NAME, columns, metadata));
        if (wanted.neuronpedia === null) return;
        const features = {
          model: manifest.model.name,
          ranked,
          texts: tokens.texts,
          firstVector: source.first,
        };
        writeNeuronpedia(wanted.neuronpedia, features);
      });
    }
    if (wanted.coordinates) files.push(await arrays.coordinates!.finish());
    if (arrays.duals !== null) files.push(await arrays.duals.finish());
    return { checks, files };
  } finally {
    for (const array of Object.values(arrays)) array?.discard();
  }
}

/** Opens the files of coordinates, which the ranking reads as well, and of duals. */
function openArrays({ source, wanted, stage }: Projection, metadata: Record<string, string>): Arrays {
  const { kind, space, format } = wanted;
  const { count, hidden } = source;
  const plan = { format, count, hidden };
  // Each kind is the other's dual.
  const dualKind = vectorKinds.find((other) => other !== kind)!;
  const duals = { ...metadata, [KIND_METADATA]: dualKind, 'eigenshard.space': space };
  return {
    coordinates:
      wanted.coordinates || wanted.top > 0
        ? openVectorArray(stage, { ...plan, name: 'coordinates', metadata })
        : null,
    duals: wanted.duals ? openVectorArray(stage, { ...plan, name: 'duals', metadata: duals }) : null,
  };
}

/** What the run knows of its spectrum and of the mean row, whose files are compared with their records first. */
async function spectrumOf(
  { directory, manifest }: LockedRun,
  { eigenvalues, covarianceEigenvalues, eigenvectors }: EigenbasisOnDisk,
): Promise<VectorSpectrum> {
  const { metric, model, tables } = manifest;
  if (metric.source === 'computed') {
    await refuseDamaged(path.join(directory, METRIC_NAME), metric.file);
    const mean = await readMean(directory, model.hidden);
    return { eigenvalues, variances: covarianceEigenvalues, means: rowTimesMatrix(mean, eigenvectors) };
  }
  // A given metric tells the variances only where it is the inverse of this checkpoint's own covariance.
  const variances = metric.matches === true ? covarianceEigenvalues : null;
  const columns =
    tables === null ? null : await openTable({ directory, tables }, 'eigenvectors', model.hidden);
  return { eigenvalues, variances, means: columns === null ? null : await columns.numbers('mean') };
}

/**
 * Reads the final norm of the checkpoint for vectors that lie before it, unless it is folded into the rows already. The
 * checkpoint is compared with the run first.
 *
 * @throws InputError where it is not at hand, is another one, or has no norm that is known
 */
async function normOf(
  { manifest, context }: LockedRun,
  { space, model: moved, normRule: rule }: WantedProjection,
): Promise<Projection['norm']> {
  const { model, options } = manifest;
  if (space === 'normed' || model.norm !== null) return null;
  const tensor = model.tensor ?? undefined;
  const wish = { isFolded: true, rule };
  const asked = { tensor, side: options.side, rows: options.rows, headRows: undefined, wish };
  const checkpoint = await obtainIfThere(moved ?? model.path, asked, context);
  await readRecordedModel(manifest, { ...checkpoint, finalNorm: null }, { hashRows: false }, context);
  const { source, norm } = await foldSource(checkpoint.source, checkpoint.finalNorm);
  return { fold: source.fold!, record: norm! };
}
