import type { FileRecord } from '../files/file-record.js';
import { writeTable } from '../formats/parquet-table.js';
import { type Comparison, type ComparisonResults, comparisonFolders } from '../output/comparison-folder.js';
import { BANDS_NAME, DISPLACEMENT_NAME } from '../output/comparison-names.js';
import { type ShownComparison, writeComparisonPage } from '../report/comparison/write-page.js';
import { type Alignment, alignVocabularies } from '../tables/align-vocabularies.js';
import { bandTable } from '../tables/band-table.js';
import { displacementTable } from '../tables/displacement-table.js';
import { version } from '../version.js';
import { chooseBackendOf } from './backend-of-run.js';
import { compareSpectra, compareSubspaces } from './compare-spectra.js';
import { type ComparedPair, haveOneSize, pairOf } from './compared-pair.js';
import { openSide, recordOfSide, type WantedSide } from './compared-side.js';
import { comparisonChecks } from './comparison-checks.js';
import { comparisonFigures, isConstant } from './comparison-figures.js';
import type { RunContext } from './context.js';
import { crossCovariances } from './cross-covariances.js';
import { expenseSince } from './expense-since.js';
import { measureDisplacements, measureNorms } from './measure-pairs.js';
import { type NeighbourWish, neighboursKept } from './neighbours-kept.js';
import { publishFolder, type WantedFolder } from './publish-folder.js';
import { refuseFailed } from './refuse-failed.js';

/** What is to be compared, and how. */
export interface WantedComparison {
  a: WantedSide;
  b: WantedSide;
  align: Alignment;
  neighbours: NeighbourWish;
}

/** Compares two runs into a folder, see `compareRuns`. */
export async function compareInto(
  wanted: WantedComparison,
  place: WantedFolder,
  context: RunContext,
): Promise<Comparison> {
  const started = new Date().toISOString();
  return publishFolder(comparisonFolders, place, async (stage) => {
    const pair = await openPair(wanted, context);
    const found = await computeComparison(pair, wanted, context);
    const files = await context.stopwatch.time('tables', undefined, () => writeFiles(stage, found));
    return {
      ...found.results,
      files,
      execution: expenseSince(started, context, { kernels: pair.backend.identity }),
    };
  });
}

async function openPair(wanted: WantedComparison, context: RunContext): Promise<ComparedPair> {
  const a = await openSide(wanted.a, context);
  const b = await openSide(wanted.b, context);
  const tokens = alignVocabularies(a.texts, b.texts, wanted.align);
  if ((a.manifest.model.norm === null) !== (b.manifest.model.norm === null))
    context.note('the final norm is folded into the rows of one of the runs alone: they differ by that too');
  const backend = await chooseBackendOf(wanted.a.manifest, context.note);
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
    a: recordOfSide(a),
    b: recordOfSide(b),
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

async function writeFiles(stage: string, found: ShownComparison): Promise<FileRecord[]> {
  const { results, tokens, bands } = found;
  const metadata = { 'eigenshard.a': results.a.fingerprint, 'eigenshard.b': results.b.fingerprint };
  return [
    writeTable(stage, DISPLACEMENT_NAME, displacementTable(tokens), metadata),
    writeTable(stage, BANDS_NAME, bandTable(bands), metadata),
    await writeComparisonPage(stage, found),
  ];
}
