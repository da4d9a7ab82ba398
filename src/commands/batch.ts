import type { Command } from 'commander';
import { loadBatch } from '../batch/batch-config.js';
import { type BatchPlan, isPlanned, planBatch } from '../batch/batch-plan.js';
import { refuseForeignSummary, summaryRow, writeBatchSummary } from '../batch/batch-summary.js';
import { diskNeeds, refuseFullDisk } from '../batch/disk-space.js';
import { runBatch } from '../batch/run-batch.js';
import { RunError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { makeDirectory } from '../files/make-directory.js';
import { lockDirectory } from '../files/wait-for-lock.js';
import { type HubSettings, hubSettings } from '../hub/settings.js';
import { withPool } from '../run/with-pool.js';
import { batchSummaryText, failuresText, planRows, planText } from './batch-text.js';
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
    .action(batch);
}

interface BatchOptions {
  dryRun: boolean;
  out?: string;
  workers?: number;
  json: boolean;
  quiet: boolean;
}

async function batch(file: string, { dryRun, json, quiet, ...overrides }: BatchOptions): Promise<void> {
  const config = await loadBatch(file, overrides);
  const hub = hubSettings(process.env);
  const note = (line: string) => void process.stderr.write(`${line}\n`);
  const plan = await planBatch(config, { hub, note });
  const needs = await diskNeeds(plan);
  const text = planText(plan, needs);
  if (dryRun)
    print(json ? JSON.stringify({ directory: plan.directory, runs: planRows(plan), disks: needs }) : text);
  else if (!quiet) process.stderr.write(`${text}\n\n`);
  refuseFullDisk(needs);
  refuseForeignSummary(plan.directory);
  if (dryRun) {
    const refused = plan.runs.filter((run) => !isPlanned(run)).length;
    if (refused > 0) throw new RunError(`${file}: ${refused} of ${plan.runs.length} runs cannot begin`);
    return;
  }
  makeDirectory(plan.directory);
  const lock = await lockDirectory(plan.directory, { note });
  await withCleanUp(
    () => computeBatch(plan, hub, json, quiet),
    () => lock.release(),
  );
}

async function computeBatch(plan: BatchPlan, hub: HubSettings, json: boolean, quiet: boolean): Promise<void> {
  const { directory, config } = plan;
  const progress = createProgress(process.stderr, quiet, SHORTEST_STAGE_SECONDS);
  const outcomes = await interruptible((signal) =>
    withPool({ workers: config.workers, signal, note: progress.note }, (executor) =>
      runBatch(plan, { executor, progress, hub, signal }),
    ),
  );
  const summary = writeBatchSummary(directory, outcomes);
  print(
    json
      ? JSON.stringify({ directory, summary, runs: outcomes.map(summaryRow) })
      : `${batchSummaryText(outcomes)}\n${summary}`,
  );
  const failures = failuresText(outcomes);
  if (failures !== null) throw new RunError(`${config.file}: ${failures}`);
}
