import { type BatchConfig, loadBatch } from '../batch/batch-config.js';
import { planBatch } from '../batch/batch-plan.js';
import { refuseForeignSummary, summaryRow } from '../batch/batch-summary.js';
import { diskNeeds, refuseFullBatch } from '../batch/disk-space.js';
import { type Outcome, worstFailure } from '../batch/outcome.js';
import { publishSummary } from '../batch/publish-summary.js';
import { runBatch } from '../batch/run-batch.js';
import { worstKind } from '../batch/worst-kind.js';
import { EigenshardError, errorOfKind } from '../errors.js';
import { type Share, type ShareFlags, shareOf } from '../executor/array-index.js';
import { holdDirectory } from '../files/held-directory.js';
import { hubSettings } from '../hub/settings.js';
import { runFoldersIn } from '../output/run-folders.js';
import { withPool } from '../run/with-pool.js';
import { counted } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { batchCounts, batchSummaryText, failuresText, planRows, planText } from './batch-text.js';
import { interruptible } from './interruptible.js';
import { print } from './print.js';
import { createProgress } from './progress.js';

/** A batch of small runs would print seven lines for each. */
const SHORTEST_STAGE_SECONDS = 1;

/** Options of the command `batch`. */
export interface BatchCommandOptions extends ShareFlags {
  dryRun: boolean;
  out?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

/** Computes the runs of a batch, or the share of them that is this process's, or shows what they are. */
export async function batch(file: string, options: BatchCommandOptions): Promise<void> {
  const { dryRun, json, quiet, index, of, ...overrides } = options;
  const share = shareOf({ index, of }, process.env);
  const config = await loadBatch(file, overrides);
  const note = quiet ? () => {} : (line: string) => void process.stderr.write(`${line}\n`);
  const call = { config, share, json, quiet, note };
  if (dryRun) await showPlan(call);
  // One of several processes shares the directory, and locks each run that it computes.
  else if (share !== null) await computeBatch(call);
  else await holdDirectory(config.out, { note }, () => computeBatch(call));
}

/** One call of the command. */
interface Call extends Pick<BatchCommandOptions, 'json' | 'quiet'> {
  config: BatchConfig;
  /** The share of the runs; null where this process computes all of them. */
  share: Share | null;
  note: (line: string) => void;
}

async function showPlan({ config, share, json, note }: Call): Promise<void> {
  const plan = await planBatch(config, { hub: hubSettings(process.env), share, note });
  const needs = await diskNeeds(plan);
  const { directory } = plan;
  print(
    json
      ? answerJson({ directory, ...shareRow(share), runs: planRows(plan), disks: needs })
      : screenText(planText(plan, needs)),
  );
  refuseFullBatch(needs);
  refuseForeignSummary(directory);
  const problems = plan.runs.flatMap((run) => ('problem' in run ? [run.problem] : []));
  const worst = worstKind(problems.map(({ kind }) => kind));
  if (worst === null) return;
  const text = `${problems.length} of ${counted(plan.runs.length, 'run')} cannot begin`;
  throw new EigenshardError(worst, `${config.file}: ${text}`);
}

async function computeBatch({ config, share, json, quiet, note }: Call): Promise<void> {
  const hub = hubSettings(process.env);
  const plan = await planBatch(config, { hub, share, note });
  const { directory } = plan;
  const needs = await diskNeeds(plan);
  note(`${planText(plan, needs)}\n`);
  refuseFullBatch(needs);
  refuseForeignSummary(directory);
  const progress = createProgress(process.stderr, quiet, SHORTEST_STAGE_SECONDS);
  const own = await interruptible((signal) =>
    withPool({ workers: config.workers, signal, note: progress.note }, (executor) =>
      runBatch(plan, { executor, progress, hub, signal }),
    ),
  );
  const { file: summary, outcomes } = await publishSummary(plan, own, { note });
  print(
    json
      ? answerJson({
          ...{ directory, ...shareRow(share), summary },
          runs: own.map(summaryRow),
          all: batchCounts(outcomes),
        })
      : screenText(`${batchSummaryText(outcomes)}\n${summary}`),
  );
  refuseFailures(config.file, directory, own);
}

/** The share in JSON, where there is one. */
function shareRow(share: Share | null): Partial<Pick<Share, 'index' | 'of'>> {
  return share === null ? {} : { index: share.index, of: share.of };
}

/** @throws EigenshardError of the kind of the worst failure among the runs of this process */
function refuseFailures(file: string, directory: string, own: readonly Outcome[]): void {
  const text = failuresText(own);
  const worst = worstFailure(own);
  if (text === null || worst === null) return;
  const isKept = runFoldersIn(directory).length > 0;
  const next = isKept ? '\nWhat was finished is kept: run the same command again to continue' : '';
  throw Object.assign(errorOfKind(worst.kind, `${file}: ${text}${next}`), { isPassing: worst.isPassing });
}
