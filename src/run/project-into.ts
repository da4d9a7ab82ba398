import path from 'node:path';
import { hashFile } from '../files/hash-file.js';
import { removeFile } from '../files/remove-file.js';
import { writeTable } from '../formats/parquet-table.js';
import type { NormRule } from '../input/norm/norm-rules.js';
import { copyParquetVectors, type ParquetVectors } from '../input/parquet-vectors.js';
import { type FoundVectors, KIND_METADATA } from '../input/vectors.js';
import type { Backend } from '../linalg/backend/backend.js';
import { type EigenbasisOnDisk, readEigenbasis, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { Manifest } from '../output/manifest.js';
import { refuseUsedFolder, writeNeuronpedia } from '../output/neuronpedia.js';
import {
  type ProjectedManifest,
  projectedFolders,
  RANKED_TOKENS_NAME,
  VECTORS_NAME,
  type VectorFormat,
} from '../output/projected-folder.js';
import { isRankedUnit, RankedUnits } from '../output/ranked-units.js';
import { openVectorArray, type VectorArray } from '../output/vector-array.js';
import { type VectorKind, type VectorSpace, vectorKinds } from '../plan/vector-kind.js';
import { PLACES } from '../tables/part.js';
import { type VectorSpectrum, vectorPasses } from '../tables/vector-geometry.js';
import { rankedTokenTable, vectorTable } from '../tables/vector-table.js';
import { version } from '../version.js';
import { chooseBackendOf } from './backend-of-run.js';
import { computeCoordinates } from './compute-coordinates.js';
import { expenseSince } from './expense-since.js';
import { type FilledFolder, fillFolder } from './fill-folder.js';
import { keptProjection } from './kept-projection.js';
import type { LockedRun } from './plan-extension.js';
import { type KnownTokens, knownTokens, rankTokens } from './rank-tokens.js';
import { rankingRequest } from './ranking-request.js';
import { refuseFailed } from './refuse-failed.js';
import { coordinateChecks, rankingChecks } from './vector-checks.js';
import { readVectorNorm, type VectorNorm } from './vector-norm.js';
import { readVectorSpectrum } from './vector-spectrum.js';

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
  /** Whether one that is the same already is kept, and made anew where it is damaged. */
  isResumed: boolean;
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
  norm: VectorNorm | null;
  /** Folder in which its files are made. */
  stage: string;
  /** Units of its ranking that are done. */
  units: RankedUnits;
}

/** Arrays of a projection; null where nobody wants them. */
type Arrays = Record<'coordinates' | 'duals', VectorArray | null>;

/** Projects vectors into the directory of a locked run, see `projectVectors`. */
export async function projectInto(
  run: LockedRun,
  source: FoundVectors | ParquetVectors,
  wanted: WantedProjection,
): Promise<FilledFolder<ProjectedManifest> & { isNew: boolean }> {
  const { directory, manifest, context } = run;
  const started = new Date().toISOString();
  if (wanted.neuronpedia !== null) refuseUsedFolder(wanted.neuronpedia);
  await refuseDamagedBasis(directory, manifest);
  const basis = await readEigenbasis(directory, manifest.model.hidden, manifest.eigenbasis);
  const spectrum = await readVectorSpectrum(run, basis);
  const norm = await readVectorNorm(run, wanted);
  const backend = await chooseBackendOf(manifest, context.note);
  const { first, count, hidden, tensor, dtype, isTransposed } = source;
  const asked = {
    version,
    run: { fingerprint: manifest.fingerprint, model: manifest.model.name },
    vectors: {
      path: source.file,
      sha256: await hashFile(source.file, 'the vectors'),
      ...{ tensor, dtype, isTransposed, first, count, hidden },
    },
    kind: wanted.kind,
    space: wanted.space,
    norm: norm?.record ?? null,
    top: wanted.top === 0 ? null : wanted.top,
  };
  const { isResumed, name } = wanted;
  const whole = { ...asked, files: namesOf(wanted) };
  const kept = isResumed ? await keptProjection(directory, name, whole) : null;
  if (kept?.isIntact) return { ...kept, isNew: false };
  const request = rankingRequest(whole, manifest, backend.identity);
  const place = {
    name,
    isReplaced: wanted.isReplaced || kept !== null,
    ...(isResumed ? { isKept: (file: string) => isRankedUnit(file, request) } : {}),
  };
  const make = async (stage: string): Promise<ProjectedManifest> => {
    const units = new RankedUnits(stage, request, run.lock);
    const projection = { run, wanted, basis, spectrum, backend, norm, stage, units };
    return {
      format: 'eigenshard-projected',
      layout: 1,
      ...asked,
      ...(await withStrided(source, stage, (strided) => makeProjection({ ...projection, source: strided }))),
      execution: expenseSince(started, context, { kernels: backend.identity }),
    };
  };
  return { ...(await fillFolder(projectedFolders, run, place, make)), isNew: true };
}

/** Names of the files that are to be made. */
function namesOf({ top, coordinates, duals, format }: WantedProjection): string[] {
  return [
    VECTORS_NAME,
    ...(top === 0 ? [] : [RANKED_TOKENS_NAME]),
    ...(coordinates ? [`coordinates.${format}`] : []),
    ...(duals ? [`duals.${format}`] : []),
  ];
}

/** Uses vectors where any thread can read them: those of a Parquet file are copied on the stage meanwhile. */
async function withStrided<Result>(
  source: FoundVectors | ParquetVectors,
  stage: string,
  use: (strided: FoundVectors) => Promise<Result>,
): Promise<Result> {
  if (!('columns' in source)) return use(source);
  const copy = path.join(stage, '.vectors.partial');
  const strided = await copyParquetVectors(source, copy);
  try {
    return await use(strided);
  } finally {
    removeFile(copy);
  }
}

/** Computes all that is wanted of the vectors, and writes it on the stage. */
async function makeProjection(projection: Projection): Promise<Pick<ProjectedManifest, 'checks' | 'files'>> {
  const { run, source, wanted, basis, spectrum, backend, norm, stage, units } = projection;
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
    refuseFailed(source.givenAs ?? source.file, checks);
    const files = [writeTable(stage, VECTORS_NAME, vectorTable(part, source.first), metadata)];
    if (tokens !== null) {
      const vectors = {
        part,
        passes: vectorPasses(kind, spectrum),
        coordinates: arrays.coordinates!.slice,
        backend: backend.choice,
        units,
      };
      const { rows, hidden } = manifest.model;
      const { ranked, sums } = await rankTokens(run, vectors, tokens, top);
      checks.push(...rankingChecks(part, sums, { rows, hidden, typicalNorm: typicalNorm(tokens, manifest) }));
      // Nobody is to go on with what has failed.
      if (checks.some(({ verdict }) => verdict === 'failed')) units.remove();
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
    units.remove();
    return { checks, files };
  } finally {
    for (const array of Object.values(arrays)) array?.discard();
  }
}

/** Root mean square of the norms of all tokens, or of those that have weights, whichever is larger. */
function typicalNorm(
  { norms: { euclidean }, weights }: KnownTokens,
  { norms: { euclidean: moments }, model }: Manifest,
): number {
  const ofAll = Math.hypot(moments.mean, moments.standardDeviation);
  if (weights === null) return ofAll;
  const squares = weights.reduce((sum, weight, i) => sum + weight * euclidean[i]! ** 2, 0);
  return Math.max(ofAll, Math.sqrt(squares / model.rows));
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
