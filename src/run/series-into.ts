import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { createTable, type GrowingTable, writeTable } from '../formats/parquet-table.js';
import type { Backend } from '../linalg/backend/backend.js';
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
import { chooseBackendOf } from './backend-of-run.js';
import { type ComparedSide, openSide, recordOfSide } from './compared-side.js';
import type { RunContext } from './context.js';
import { expenseSince } from './expense-since.js';
import { silentProgress } from './progress.js';
import { publishFolder, type WantedFolder } from './publish-folder.js';
import { RecentVocabularies } from './recent-vocabularies.js';
import { refuseFailed } from './refuse-failed.js';
import { WorstChecks } from './series-checks.js';
import { type MeasuredStep, type MeasuredWay, StepMeter } from './step-meter.js';
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
    const backend = await chooseBackendOf(runs[0]!.manifest, context.note);
    const table = createTable(stage, SERIES_TOKENS_NAME, {});
    try {
      const found = await measureSteps(runs, { backend, table }, context);
      const files = await context.stopwatch.time('tables', undefined, () => writeFiles(stage, found, table));
      return {
        ...found.results,
        files,
        execution: expenseSince(started, context, { kernels: backend.identity }),
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

/**
 * Measures one step after the other. While the figures of a step are put down, the next one is measured and the one after it
 * opened.
 */
async function measureSteps(
  runs: readonly SeriesRun[],
  { backend, table }: { backend: Backend; table: GrowingTable },
  context: RunContext,
): Promise<FoundSeries> {
  const { rows, hidden } = runs[0]!.manifest.model;
  const meter = new StepMeter(rows, backend, context.executor);
  const found = new SeriesSteps(table);
  const open = stepOpener(runs, context);
  const first = meter.open(await open(0));
  await context.stopwatch.time('steps', runs.length * rows, async (advance) => {
    let next: Promise<ComparedSide | null> = open(1);
    let measuring = meter.measure(first, { before: null, first });
    let before = first;
    try {
      for (let step = 0; step < runs.length; step++) {
        const side = await next;
        const measured = measuring;
        if (side !== null) {
          const following = meter.open(sharingTexts(side, first.side, context));
          next = step + 2 < runs.length ? open(step + 2) : Promise.resolve(null);
          measuring = meter.measure(following, { before, first });
          before = following;
        }
        found.add(await measured);
        advance(rows);
      }
    } finally {
      await Promise.allSettled([next, measuring, before.own, before.metric]);
    }
  });
  const { steps, checks, moved } = found;
  const results = { rows, hidden, steps, checks: checks.all() };
  return {
    results: { format: 'eigenshard-series', layout: 1, version, ...results },
    ...{ texts: first.side.texts.texts, moved },
  };
}

function stepOpener(runs: readonly SeriesRun[], context: RunContext) {
  // Of hundreds of steps only how many are done is told.
  const within = { ...context, stopwatch: new Stopwatch(silentProgress) };
  const vocabularies = new RecentVocabularies();
  return (step: number) => openSide({ ...runs[step]!, moved: undefined, option: null }, within, vocabularies);
}

/** What is kept of all steps; figures of their tokens go to a table. */
class SeriesSteps {
  readonly steps: StepRecord[] = [];
  /** The tokens that have moved most, step by step. */
  readonly moved: MovedTokens[] = [];
  readonly checks = new WorstChecks();
  readonly #table: GrowingTable;

  constructor(table: GrowingTable) {
    this.#table = table;
  }

  /** @throws VerificationError where a check fails */
  add(measured: MeasuredStep): void {
    const { side, fromBefore, fromFirst } = measured;
    const step = this.steps.length;
    this.#judge(fromFirst, side, `at step ${step}, from the first`);
    if (fromBefore !== null) this.#judge(fromBefore, side, `at step ${step}, from the step before`);
    const ways = { fromBefore: fromBefore?.part ?? null, fromFirst: fromFirst.part };
    this.#table.write(seriesTokenTable(step, ways));
    this.moved.push(mostMoved(ways));
    this.steps.push(recordOf(measured));
  }

  #judge({ checks }: MeasuredWay, { directory }: ComparedSide, where: string): void {
    refuseFailed(directory, checks);
    this.checks.add(checks, where);
  }
}

/**
 * Takes the texts of the first step for those of another one, which are held once then.
 *
 * @throws InputError where a token has another text
 */
function sharingTexts(side: ComparedSide, first: ComparedSide, { note }: RunContext): ComparedSide {
  if ((side.manifest.model.norm === null) !== (first.manifest.model.norm === null))
    note(
      `${side.directory}: the final norm is folded into the rows of this step or of the first alone: they differ by that too`,
    );
  const shared = { ...side, texts: first.texts };
  if (!side.texts.isKnown || !first.texts.isKnown) return shared;
  const [texts, expected] = [side.texts.texts, first.texts.texts];
  const id = texts.findIndex((text, token) => text !== expected[token]);
  if (id < 0) return shared;
  const [text, other] = [texts, expected].map((all) => (all[id] == null ? 'none' : visibleText(all[id])));
  throw new InputError(
    `${side.directory}: token ${id} is ${text}, and ${other} in the first step: the steps of a series have the same tokens by ` +
      'id; leave it out, and see `compare`, which matches tokens by text',
  );
}

function recordOf({ side, fromBefore, fromFirst }: MeasuredStep): StepRecord {
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
