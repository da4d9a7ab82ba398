import type { Command } from 'commander';
import { loadConfig, type Overrides } from '../run/config.js';
import type { StageNeed } from '../run/stage-needs.js';
import type { PlannedRun } from '../run/write-plan.js';
import { alignedRows } from '../text/aligned-rows.js';
import { count, counted, formatBytes } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { print } from './print.js';
import { showProgress } from './progress.js';
import { addRunOptions, PACKAGED_CONFIG, refuseIdleTables } from './run-options.js';

/** Adds `plan`. */
export function addPlanCommand(program: Command): void {
  addRunOptions(
    program.command('plan').description('plan a run that several processes are to compute, in steps'),
  )
    .optionsGroup('Options:')
    .option('--overwrite', 'replace a run that is there already', false)
    .option('--json', 'print stages and units as JSON', false)
    .option('--quiet', 'no progress', false)
    .action(planCommand)
    .addHelpText(
      'after',
      exampleText(
        'plan --config run.json --out runs/mine',
        'plan --model path/to/checkpoint --out runs/mine',
      ),
    );
}

interface PlanOptions extends Overrides {
  config?: string;
  overwrite: boolean;
  json: boolean;
  quiet: boolean;
}

async function planCommand(
  { config: file, overwrite, json, quiet, ...overrides }: PlanOptions,
  command: Command,
): Promise<void> {
  const packaged = overrides.model === undefined ? PACKAGED_CONFIG : null;
  const config = await loadConfig(file ?? packaged, overrides);
  refuseIdleTables(command, config);
  const onProgress = showProgress(process.stderr, quiet);
  const [{ withContext }, { writeRunPlan }, { needsOfRun }] = await Promise.all([
    import('../run/caller.js'),
    import('../run/write-plan.js'),
    import('../run/stage-needs.js'),
  ]);
  const planned = await interruptible((signal) =>
    withContext(config.workers, { signal, onProgress, startedAt: 0 }, (context) =>
      writeRunPlan(config, { overwrite }, context),
    ),
  );
  const needs = needsOfRun(planned.plan, config.workers);
  print(
    json ? answerJson(planOutline(planned, needs)) : screenText(planText(planned, needs, config.workers)),
  );
}

/** What a plan comes to, as data. */
function planOutline({ directory, plan }: PlannedRun, needs: readonly StageNeed[]) {
  const { identity, stages, kernels, exports } = plan;
  return {
    directory,
    model: identity.model.name,
    rows: identity.model.rows,
    hidden: identity.model.hidden,
    kernels,
    exports: exports.map((file) => file.path),
    stages: stages.map(({ name, units, after }, k) => {
      const { memoryBytes, partBytes } = needs[k]!;
      return { name, units, after, memoryBytes, partBytes };
    }),
  };
}

function planText({ directory, plan }: PlannedRun, needs: readonly StageNeed[], workers: number): string {
  const { name, rows, hidden } = plan.identity.model;
  const units = plan.stages.reduce((sum, stage) => sum + stage.units, 0);
  return [
    `${directory}: ${name}, ${count(rows)} x ${count(hidden)}: ${counted(plan.stages.length, 'stage')} of ${counted(units, 'unit')}`,
    alignedRows([
      ['stage', 'units', 'after', 'memory', 'left for later'],
      ...plan.stages.map((stage, k) => [
        stage.name,
        String(stage.units),
        stage.after.join(', '),
        formatBytes(needs[k]!.memoryBytes),
        needs[k]!.partBytes === 0 ? '' : formatBytes(needs[k]!.partBytes),
      ]),
    ]),
    `memory is that of a process with ${counted(workers, 'thread')}; what is left for later goes when the run is finished`,
    `next: eigenshard submit slurm ${directory} --workers 8, or on each machine eigenshard step ${directory} ` +
      `${plan.stages[0]!.name} --index I --of N, and so on`,
  ].join('\n');
}
