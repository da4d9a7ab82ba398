import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { createTable, type GrowingTable, writeTable } from '../formats/parquet-table.js';
import type { Backend } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { momentsOf } from '../linalg/moments.js';
import type { Manifest } from '../output/manifest.js';
import { type Series, type StepRecord, seriesFolders } from '../output/series-folder.js';
import { SERIES_TABLE_NAME, SERIES_TOKENS_NAME } from '../output/series-names.js';
import { seriesTable } from '../output/series-table.js';
import { type MovedTokens, mostMoved } from '../report/series/moved-tokens.js';
import { writeSeriesPage } from '../report/series/write-page.js';
import { seriesTokenTable } from '../tables/series-token-table.js';
import { visibleText } from '../text/visible-text.js';
import { version } from '../version.js';
import { type ComparedSide, openSide, recordOfSide } from './compared-side.js';
import type { RunContext } from './context.js';
import { type MeasuredStep, measureStep } from './measure-step.js';
import { silentProgress } from './progress.js';
import { publishFolder, type WantedFolder } from './publish-folder.js';
import { refuseFailed } from './refuse-failed.js';
import { WorstChecks } from './series-checks.js';
import { Stopwatch } from './stopwatch.js';

/** A run of a series. */
export interface SeriesRun {
  /** Its directory, absolute. */
  directory: string;
  manifest: Manifest;
}

/** Compares the runs of a series into a folder, see `compareSeries`. */
export async function seriesInto(
  runs: readonly SeriesRun[],
  place: WantedFolder,
  context: RunContext,
): Promise<Series> {
  const started = new Date().toISOString();
  return publishFolder(seriesFolders, place, async (stage) => {
    const { kernels } = runs[0]!.manifest.execution;
    // A device is not asked for: products are float64.
    const recorded = kernels.backend === 'webgpu' ? null : kernels;
    const backend = await chooseBackend({ backend: 'auto', recorded }, context.note);
    const table = createTable(stage, SERIES_TOKENS_NAME, {});
    try {
      const found = await measureSteps(runs, { backend, table }, context);
      const files = await context.stopwatch.time('tables', undefined, () => writeFiles(stage, found, table));
      return {
        ...found.results,
        files,
        execution: {
          started,
          finished: new Date().toISOString(),
          workers: context.executor.concurrency,
          kernels: backend.identity,
          ...context.stopwatch.report(),
        },
      };
    } finally {
      table.discard();
    }
  });
}

/** What was found of all steps. */
interface FoundSeries {
  results: Omit<Series, 'files' | 'execution'>;
  /** Texts of the tokens, null where one has none. */
  texts: readonly (string | null)[];
  /** The tokens that have moved most, step by step. */
  moved: MovedTokens[];
}

/** Measures one step after the other; the next one is opened meanwhile. */
async function measureSteps(
  runs: readonly SeriesRun[],
  { backend, table }: { backend: Backend; table: GrowingTable },
  context: RunContext,
): Promise<FoundSeries> {
  // Of hundreds of steps only how many are done is told.
  const within = { ...context, stopwatch: new Stopwatch(silentProgress) };
  const open = (step: number) => openSide({ ...runs[step]!, moved: undefined, option: null }, within);
  const { rows, hidden } = runs[0]!.manifest.model;
  const steps: StepRecord[] = [];
  const moved: MovedTokens[] = [];
  const checks = new WorstChecks();
  let first: MeasuredStep | null = null;
  let before: MeasuredStep | null = null;
  await context.stopwatch.time('steps', runs.length * rows, async (advance) => {
    let next = open(0);
    for (const [step, run] of runs.entries()) {
      const side: ComparedSide = await next;
      if (first !== null) refuseOther(side, first.side, context);
      if (step + 1 < runs.length) next = open(step + 1);
      const measuring = measureStep(side, { before, first }, backend, context.executor);
      await Promise.allSettled([measuring, next]);
      const measured = await measuring;
      for (const [way, where] of [
        [measured.fromBefore, 'from the step before'],
        [measured.fromFirst, 'from the first'],
      ] as const) {
        if (way === null) continue;
        refuseFailed(run.directory, way.checks);
        checks.add(way.checks, `at step ${step}, ${where}`);
      }
      const ways = { fromBefore: measured.fromBefore?.part ?? null, fromFirst: measured.fromFirst.part };
      table.write(seriesTokenTable(step, ways));
      moved.push(mostMoved(ways));
      steps.push(recordOf(measured));
      // Texts are those of the first, and held once.
      const texts = first?.side.texts ?? side.texts;
      before = { ...measured.step, side: { ...side, texts } };
      first ??= before;
      advance(rows);
    }
  });
  const results = { rows, hidden, steps, checks: checks.all() };
  return {
    results: { format: 'eigenshard-series', layout: 1, version, ...results },
    texts: first!.side.texts.texts,
    moved,
  };
}

/** @throws InputError where a token of a step has another text than in the first */
function refuseOther(side: ComparedSide, first: ComparedSide, context: RunContext): void {
  if ((side.manifest.model.norm === null) !== (first.manifest.model.norm === null))
    context.note(
      `${side.directory}: the final norm is folded into the rows of this step or of the first alone: they differ by that too`,
    );
  if (!side.texts.isKnown || !first.texts.isKnown) return;
  const id = side.texts.texts.findIndex((text, token) => text !== first.texts.texts[token]);
  if (id < 0) return;
  const shown = ({ texts }: ComparedSide) => {
    const text = texts.texts[id];
    return text === null || text === undefined ? 'none' : visibleText(text);
  };
  throw new InputError(
    `${side.directory}: token ${id} is ${shown(side)}, and ${shown(first)} in the first step: the steps of a series have the ` +
      'same tokens by id; leave it out, and see `compare`, which matches tokens by text',
  );
}

function recordOf({
  step: { side },
  fromBefore,
  fromFirst,
}: Awaited<ReturnType<typeof measureStep>>): StepRecord {
  const { minimum, median, maximum, participationRatio, covarianceParticipationRatio } =
    side.manifest.eigenvalues;
  const { mean, standardDeviation } = momentsOf(fromFirst.part.endNorm);
  return {
    run: recordOfSide(side),
    eigenvalues: { minimum, median, maximum, participationRatio, covarianceParticipationRatio },
    norms: { mean, standardDeviation },
    fromBefore: fromBefore?.figures ?? null,
    fromFirst: fromFirst.figures,
  };
}

async function writeFiles(stage: string, found: FoundSeries, tokens: GrowingTable): Promise<FileRecord[]> {
  return [
    writeTable(stage, SERIES_TABLE_NAME, seriesTable(found.results.steps), {}),
    tokens.commit(),
    await writeSeriesPage(stage, found),
  ];
}
