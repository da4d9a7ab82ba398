import path from 'node:path';
import { VerificationError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import type { FileRecord } from '../files/file-record.js';
import { refuseLost } from '../files/lock.js';
import type { LockClaim } from '../files/lock-file.js';
import { syncFiles } from '../files/sync-files.js';
import { writeTable } from '../formats/parquet-table.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import {
  type Comparison,
  type ComparisonResults,
  comparisonFolders,
  comparisonProblems,
  writeComparison,
} from '../output/comparison-folder.js';
import { BANDS_NAME, DISPLACEMENT_NAME } from '../output/comparison-names.js';
import { commitStage, discardStage, openStage } from '../output/staged-folder.js';
import { type ShownComparison, writeComparisonPage } from '../report/comparison/write-page.js';
import { type Alignment, alignVocabularies } from '../tables/align-vocabularies.js';
import { bandTable } from '../tables/band-table.js';
import { displacementTable } from '../tables/displacement-table.js';
import { version } from '../version.js';
import { compareSpectra, compareSubspaces } from './compare-spectra.js';
import { type ComparedPair, haveOneSize, pairOf } from './compared-pair.js';
import { type ComparedSide, openSide, type WantedSide } from './compared-side.js';
import { comparisonChecks } from './comparison-checks.js';
import { comparisonFigures, isConstant } from './comparison-figures.js';
import type { RunContext } from './context.js';
import { crossCovariances } from './cross-covariances.js';
import { measureDisplacements, measureNorms } from './measure-pairs.js';
import { type NeighbourWish, neighboursKept } from './neighbours-kept.js';
import { refuseFailed } from './refuse-failed.js';

/** What is to be compared, and how. */
export interface WantedComparison {
  a: WantedSide;
  b: WantedSide;
  /** Folder of the comparison, absolute. */
  folder: string;
  align: Alignment;
  neighbours: NeighbourWish;
  /** Whether a comparison in the folder is replaced. */
  isReplaced: boolean;
}

/** Compares two runs into a folder, whose neighbours are locked, see `compareRuns`. */
export async function compareInto(
  wanted: WantedComparison,
  lock: LockClaim,
  context: RunContext,
): Promise<Comparison> {
  const { folder } = wanted;
  const started = new Date().toISOString();
  const stage = openStage(folder, comparisonFolders, {
    option: '--out',
    isReplaced: wanted.isReplaced,
  });
  return withCleanUp(
    async () => {
      const pair = await openPair(wanted, context);
      const found = await computeComparison(pair, wanted, context);
      const files = await context.stopwatch.time('tables', undefined, () => writeFiles(stage, found));
      await syncFiles(files.map((file) => path.join(stage, file.path)));
      const comparison: Comparison = {
        ...found.results,
        files,
        execution: {
          started,
          finished: new Date().toISOString(),
          workers: context.executor.concurrency,
          kernels: pair.backend.identity,
          ...context.stopwatch.report(),
        },
      };
      writeComparison(stage, comparison);
      await readAgain(stage);
      refuseLost(lock);
      commitStage(folder, comparisonFolders);
      return comparison;
    },
    () => {
      // What a process makes that has taken the lock over is its own.
      refuseLost(lock);
      discardStage(folder, comparisonFolders);
    },
  );
}

/** Reads what was written once more, as whoever opens the comparison will. @throws VerificationError where it differs */
async function readAgain(stage: string): Promise<void> {
  const problems = await comparisonProblems(stage);
  if (problems.length > 0)
    throw new VerificationError(
      `${problems.join('\n')}\nThe disk has not kept what was written: try another one`,
    );
}

async function openPair(wanted: WantedComparison, context: RunContext): Promise<ComparedPair> {
  const a = await openSide(wanted.a, context);
  const b = await openSide(wanted.b, context);
  const tokens = alignVocabularies(a.texts, b.texts, wanted.align);
  if ((a.manifest.model.norm === null) !== (b.manifest.model.norm === null))
    context.note('the final norm is folded into the rows of one of the runs alone: they differ by that too');
  const { kernels } = wanted.a.manifest.execution;
  // A device is not asked for: products are float64.
  const recorded = kernels.backend === 'webgpu' ? null : kernels;
  const backend = await chooseBackend({ backend: 'auto', recorded }, context.note);
  return pairOf({ a, b }, tokens, backend);
}

async function computeComparison(
  pair: ComparedPair,
  { neighbours: wish }: WantedComparison,
  context: RunContext,
): Promise<ShownComparison> {
  const { a, b, tokens } = pair;
  const covariances = await crossCovariances(pair, wish.seed, context);
  const { means } = covariances;
  const norms = await measureNorms(pair, means, context);
  const displacements = haveOneSize(pair) ? await measureDisplacements(pair, means.a, context) : null;
  const isVaried = !isConstant(covariances.a, means.a) && !isConstant(covariances.b, means.b);
  const kept = isVaried ? await neighboursKept(pair, wish, { means, norms }, context) : null;
  const { spectra, subspaces, explained } = await context.stopwatch.time('figures', undefined, async () => {
    const spectra = await compareSpectra(pair, covariances);
    const subspaces = spectra.overlap === null ? null : await compareSubspaces(pair, spectra.overlap);
    const found = { covariances, displacements, spectra, subspaces, kept };
    return { spectra, subspaces, explained: await comparisonFigures(pair, found) };
  });
  const checks = comparisonChecks(pair, { covariances, displacements, spectra, subspaces, kept, norms });
  refuseFailed(`${a.directory}, ${b.directory}`, checks);
  const results: ComparisonResults = {
    format: 'eigenshard-comparison',
    layout: 1,
    version,
    a: sideOf(a),
    b: sideOf(b),
    tokens: {
      by: tokens.by,
      shared: pair.count,
      onlyA: tokens.onlyA.length,
      onlyB: tokens.onlyB.length,
      ambiguous: tokens.ambiguous,
    },
    // Of few tokens there are fewer neighbours than were asked for.
    options: { ...wish, k: Math.min(wish.k, Math.max(1, pair.count - 1)) },
    ...explained,
    checks,
  };
  return {
    results,
    tokens: {
      tokens,
      texts: { a: a.texts.texts, b: b.texts.texts },
      norms,
      displacements: displacements?.part ?? null,
      kept,
    },
    bands: { spectra, subspaces: subspaces ?? [], squares: displacements?.sums.squares ?? null },
  };
}

function sideOf({ directory, manifest }: ComparedSide): Comparison['a'] {
  const { model, metric, fingerprint, options, weights } = manifest;
  const { name, tensor, dtype, rows, hidden, contentSha256, norm } = model;
  return {
    ...{ directory, fingerprint, model: name, tensor, dtype, rows, hidden, contentSha256, norm },
    side: options.side,
    normalisation: model.normalisation,
    metric: metric.source,
    metricSha256: metric.sha256,
    ridge: metric.ridge,
    secondMoment: metric.source === 'computed' ? metric.secondMoment : null,
    weights: weights === null ? null : { kind: weights.kind, sha256: weights.sha256 },
  };
}

async function writeFiles(stage: string, found: ShownComparison): Promise<FileRecord[]> {
  const { results, tokens, bands } = found;
  const metadata = { 'eigenshard.a': results.a.fingerprint, 'eigenshard.b': results.b.fingerprint };
  return [
    writeTable(stage, DISPLACEMENT_NAME, displacementTable(tokens), metadata),
    writeTable(stage, BANDS_NAME, bandTable(bands), metadata),
    await writeComparisonPage(stage, found),
  ];
}
