import { existsSync } from 'node:fs';
import { asOutputError } from '../files/write-error.js';
import { dtypeBytes } from '../formats/dtype.js';
import { CacheLayout } from '../hub/cache-layout.js';
import { nameOf } from '../hub/file-request.js';
import { markInUse } from '../hub/in-use.js';
import { missingBytes, provideRange, targetOf, type WantedRange } from '../hub/provide-range.js';
import { DEFAULT_REVISION, type HubReference, isCommit } from '../hub/reference.js';
import { readRef, writeRef } from '../hub/refs.js';
import { HubRepository } from '../hub/repository.js';
import { type HubSettings, notInCache, refuseOffline } from '../hub/settings.js';
import type { RowSelection } from '../plan/row-selection.js';
import type { Checkpoint, VectorSource } from './checkpoint.js';
import { chooseHeadRows, type HeadRows } from './head-rows.js';
import { HubDirectory } from './hub-directory.js';
import { hubCacheCommit, openHubSnapshot } from './hub-snapshot.js';
import { findMatrix } from './matrix/find-matrix.js';
import type { AskedMatrix } from './matrix/matrix-side.js';
import { localPlan, type ModelPlan, shapeOf } from './model-plan.js';
import { chooseFold } from './norm/choose-fold.js';
import type { NormWish } from './norm/find-norm.js';
import { selectRows } from './vocabulary-rows.js';

/**
 * Finds a model of the hub and its unembedding matrix. Its revision is pinned to its commit first; then come its
 * config.json, the index of its shards, and the header of the file that holds the matrix. `fetch` brings the
 * tokenizer's files and the bytes of the matrix, and no other.
 *
 * A commit that lies in the hub's own cache with what is needed is used there, and nothing is downloaded.
 *
 * @throws InputError where there is no such model or revision, it may not be read, or it holds no matrix
 * @throws RunError where the hub cannot be reached or answers what was not expected
 */
export async function planHubModel(
  { repository: name, revision }: HubReference,
  settings: HubSettings,
  options: PlanOptions,
): Promise<ModelPlan> {
  try {
    return await plan(name, revision ?? DEFAULT_REVISION, settings, options);
  } catch (error) {
    // The cache's own files; what the network says has its message already.
    throw asOutputError(error, settings.cache);
  }
}

async function plan(
  name: string,
  revision: string,
  settings: HubSettings,
  { asked, rows, headRows, wish, note, signal }: PlanOptions,
): Promise<ModelPlan> {
  const layout = new CacheLayout(settings.cache, name);
  const repository = new HubRepository(name, settings, { retry: settings.retry, note, signal });
  const commit = await pin(repository, revision, layout);
  const snapshot = await openHubSnapshot(settings.hubCache, name, commit, { asked, rows, wish });
  if (snapshot !== null) {
    const chosen = chooseFold(chooseHeadRows(snapshot.checkpoint, headRows), snapshot.norm, wish);
    return localPlan(await selectRows(chosen, rows), snapshot);
  }

  await markInUse(settings.cache, layout, { note, signal });
  if (revision !== commit) writeRef(layout.ref(revision), commit);
  const directory = await HubDirectory.open(repository, commit, layout);
  const { checkpoint: found, file, fileOf, reason, norm } = await findMatrix(directory, asked, wish);
  const checkpoint = chooseFold(chooseHeadRows(found, headRows), norm, wish);
  const { rows: storedRows, columns } = checkpoint.source;
  const wanted = await wantedRange(
    directory,
    file,
    { ...checkpoint.source, length: storedRows * columns },
    layout,
  );
  const vectors = await Promise.all(
    vectorsOf(checkpoint).map(async (vector) => ({
      vector,
      range: await wantedRange(directory, fileOf(vector.tensor), vector, layout),
    })),
  );
  let missing = 0;
  for (const range of [wanted, ...vectors.map((one) => one.range)]) {
    const lacking = missingBytes(range);
    if (lacking > 0) refuseOffline(settings, `${nameOf(range.pinned)} (tensor ${range.tensor})`);
    missing += lacking;
  }
  const bytes = directory.missingTokenizerFiles().reduce((sum, small) => sum + small.bytes, missing);
  const fetch: ModelPlan['fetch'] = async (onBytes, fetchSignal) => {
    // Asked again: another run of this model may have brought them since.
    for (const small of directory.missingTokenizerFiles()) {
      await directory.download(small, fetchSignal);
      onBytes(small.bytes);
    }
    const places = new Map<VectorSource, string>();
    for (const { vector, range } of vectors)
      places.set(vector, await provideRange(range, onBytes, fetchSignal));
    const stored = await provideRange(wanted, onBytes, fetchSignal);
    directory.touch();
    const fetched = {
      ...withVectorsAt(checkpoint, places),
      source: { ...checkpoint.source, file: stored, byteOffset: 0 },
      origin: { repository: name, commit, file, byteRange: wanted.range, from: settings.endpoint },
    };
    return selectRows(fetched, rows);
  };
  const shape = shapeOf(checkpoint, rows === 'all');
  const downloadTarget = targetOf(wanted);
  const { model, notes, normalisation, finalNorm } = checkpoint;
  const told = { model, shape, reason, notes, norm, normalisation, finalNorm };
  return { ...told, bytesToDownload: bytes, downloadTarget, fetch };
}

/** The vectors of a checkpoint that a run needs beside the matrix. */
function vectorsOf({ finalNorm, logitBias }: Checkpoint): VectorSource[] {
  return [finalNorm?.weight, finalNorm?.bias, logitBias].filter(
    (vector) => vector !== null && vector !== undefined,
  );
}

/** A checkpoint whose vectors lie in files of their own. */
function withVectorsAt(checkpoint: Checkpoint, places: ReadonlyMap<VectorSource, string>): Checkpoint {
  const { finalNorm, logitBias } = checkpoint;
  const at = (vector: VectorSource) => ({ ...vector, file: places.get(vector)!, byteOffset: 0 });
  return {
    ...checkpoint,
    finalNorm:
      finalNorm === null
        ? null
        : {
            ...finalNorm,
            weight: at(finalNorm.weight),
            bias: finalNorm.bias === null ? null : at(finalNorm.bias),
          },
    logitBias: logitBias === null ? null : at(logitBias),
  };
}

interface PlanOptions {
  asked: AskedMatrix;
  rows: RowSelection;
  headRows: HeadRows | undefined;
  wish: NormWish | undefined;
  note: (line: string) => void;
  signal: AbortSignal | undefined;
}

/** The commit that the revision is: as the hub says, or offline as it said last. */
async function pin(repository: HubRepository, revision: string, layout: CacheLayout): Promise<string> {
  if (isCommit(revision)) return revision;
  const { settings, name } = repository;
  if (!settings.offline) return repository.commitOf(revision);
  const own = readRef(layout.ref(revision));
  if (own !== null && existsSync(layout.listing(own))) return own;
  const commit = hubCacheCommit(settings.hubCache, name, revision);
  if (commit !== null) return commit;
  throw notInCache(`${name}@${revision}`);
}

async function wantedRange(
  directory: HubDirectory,
  file: string,
  { byteOffset, length, dtype, tensor }: Omit<VectorSource, 'tensor' | 'file'> & { tensor: string | null },
  layout: CacheLayout,
): Promise<WantedRange> {
  const pinned = await directory.pinned(file);
  const range = { begin: byteOffset, end: byteOffset + length * dtypeBytes[dtype] };
  return { pinned, range, tensor, directory: layout.weights(pinned.file.hash) };
}
