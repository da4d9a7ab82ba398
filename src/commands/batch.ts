import type { Command } from 'commander';
import { type BatchConfig, loadBatch } from '../batch/batch-config.js';
import { isPlanned, planBatch } from '../batch/batch-plan.js';
import { refuseForeignSummary, summaryRow, writeBatchSummary } from '../batch/batch-summary.js';
import { diskNeeds, refuseFullBatch } from '../batch/disk-space.js';
import { runBatch } from '../batch/run-batch.js';
import { RunError } from '../errors.js';
import { holdDirectory } from '../files/held-directory.js';
import { hubSettings } from '../hub/settings.js';
import { runFoldersIn } from '../output/run-folders.js';
import { withPool } from '../run/with-pool.js';
import { counted } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { batchSummaryText, failuresText, planRows, planText } from './batch-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { workersOption } from './options.js';
import { print } from './print.js';
import { createProgress } from './progress.js';

/** A batch of small runs would print seven lines for each. */
const SHORTEST_STAGE_SECONDS = 1;

/** Adds `batch`. */
export function addBatchCommand(program: Command): void {
  program
    .command('batch')
    .description('compute many runs, one after the other; called again it does what is left to do')
    .argument('<config>', 'configuration file with "defaults" and "runs"')
    .option('--dry-run', 'show what the runs are and need, and stop there', false)
    .option('--out <dir>', 'folder of the runs and of summary.parquet (default: runs/<name of the file>)')
    .addOption(workersOption())
    .option('--json', 'print one JSON object on stdout at the end', false)
    .option('--quiet', 'no progress', false)
    .addHelpText('after', exampleText('batch models.json --dry-run', 'batch models.json --out runs/series'))
    .action(batch);
}

interface BatchOptions {
  dryRun: boolean;
  out?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function batch(file: string, options: BatchOptions): Promise<void> {
  const { dryRun, json, quiet, ...overrides } = options;
  const config = await loadBatch(file, overrides);
  const note = quiet ? () => {} : (line: string) => void process.stderr.write(`${line}\n`);
  if (dryRun) await showPlan(config, json, note);
  // Planned under the lock: what lies in the runs' folders is looked at, and another batch may be working on it.
  else await holdDirectory(config.out, { note }, () => computeBatch(config, options, note));
}

type Note = (line: string) => void;

async function showPlan(config: BatchConfig, json: boolean, note: Note): Promise<void> {
  const plan = await planBatch(config, { hub: hubSettings(process.env), note });
  const needs = await diskNeeds(plan);
  print(
    json
      ? answerJson({ directory: plan.directory, runs: planRows(plan), disks: needs })
      : screenText(planText(plan, needs)),
  );
  refuseFullBatch(needs);
  refuseForeignSummary(plan.directory);
  const refused = plan.runs.filter((run) => !isPlanned(run)).length;
  if (refused > 0)
    throw new RunError(`${config.file}: ${refused} of ${counted(plan.runs.length, 'run')} cannot begin`);
}

async function computeBatch(
  config: BatchConfig,
  { json, quiet }: Pick<BatchOptions, 'json' | 'quiet'>,
  note: Note,
): Promise<void> {
  const hub = hubSettings(process.env);
  const plan = await planBatch(config, { hub, note });
  const needs = await diskNeeds(plan);
  note(`${planText(plan, needs)}\n`);
  refuseFullBatch(needs);
  refuseForeignSummary(plan.directory);
  const progress = createProgress(process.stderr, quiet, SHORTEST_STAGE_SECONDS);
  const outcomes = await interruptible((signal) =>
    withPool({ workers: config.workers, signal, note: progress.note }, (executor) =>
      runBatch(plan, { executor, progress, hub, signal }),
    ),
  );
  const summary = writeBatchSummary(plan.directory, outcomes);
  print(
    json
      ? answerJson({ directory: plan.directory, summary, runs: outcomes.map(summaryRow) })
      : screenText(`${batchSummaryText(outcomes)}\n${summary}`),
  );
  const failures = failuresText(outcomes);
  if (failures === null) return;
  const error = new RunError(`${config.file}: ${failures}`);
  error.isResumable = runFoldersIn(plan.directory).length > 0;
  throw error;
}
