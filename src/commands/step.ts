import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { shareOf } from '../executor/array-index.js';
import type { StepResult } from '../run/step.js';
import { counted } from '../text/figures.js';
import { harmlessText } from '../text/visible-text.js';
import { exampleText } from './examples.js';
import { interruptible } from './interruptible.js';
import { allowMixedOption, workersOption } from './options.js';
import { print } from './print.js';
import { showProgress } from './progress.js';

/** Adds `step`. */
export function addStepCommand(program: Command): void {
  program
    .command('step')
    .description('compute a stage of a planned run, or the share that this process has of it')
    .argument('<run>', 'directory of the run, which `plan` has made')
    .argument('<stage>', 'scan, identity, covariance, basis, project, verify or finish')
    .option('--index <i>', 'number of this process, from 0 (default: as its scheduler says)')
    .option('--of <n>', 'number of processes that share the stage')
    .addOption(workersOption())
    .option(
      '--blas <path>',
      'system library that the run was planned for, where it is none that is found by itself',
    )
    .option('--plan <sha256>', 'compute no other plan than this one, as scripts of `submit` say it')
    .addOption(allowMixedOption())
    .option('--json', 'print what was done as JSON', false)
    .option('--quiet', 'no progress', false)
    .action(stepCommand)
    .addHelpText(
      'after',
      exampleText('step runs/mine scan', 'step runs/mine project --index 3 --of 8 --workers 16'),
    );
}

interface StepCommandOptions {
  index?: string;
  of?: string;
  workers?: number;
  blas?: string;
  plan?: string;
  allowMixed: boolean;
  json: boolean;
  quiet: boolean;
}

async function stepCommand(
  directory: string,
  stage: string,
  { index, of, workers = availableParallelism(), blas, plan, allowMixed, json, quiet }: StepCommandOptions,
): Promise<void> {
  const share = shareOf({ index, of }, process.env);
  const options = { share, allowMixed, blas, plan, environment: process.env };
  const onProgress = showProgress(process.stderr, quiet);
  const [{ withContext }, { step }] = await Promise.all([
    import('../run/caller.js'),
    import('../run/step.js'),
  ]);
  const result = await interruptible((signal) =>
    withContext(workers, { signal, onProgress, startedAt: 0 }, (context) =>
      step(directory, stage, options, context),
    ),
  );
  if (!json) print(harmlessText(stepText(result)));
  else print((await import('./answer-text.js')).answerJson({ ...result, share }));
}

function stepText({ directory, stage, units, before, computed, isFinished }: StepResult): string {
  if (isFinished) return `${directory}: is finished; nothing is left to do`;
  if (units === 0) return `${stage}: none of its units is this process's`;
  return `${stage}: ${counted(computed, 'unit')} computed, ${before} of ${units} done before`;
}
