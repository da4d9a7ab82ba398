import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { RunDirectory } from '../output/run-directory.js';
import type { RunPlan } from '../output/run-plan.js';
import { admitRun } from './admit-run.js';
import type { Config } from './config.js';
import type { RunContext } from './context.js';
import { outputPath } from './output-path.js';
import { filesOfPlan, planOfRun } from './plan-of-run.js';
import { openInputs } from './prepare-run.js';

/** A run that has been planned. */
export interface PlannedRun {
  /** Output directory, absolute. */
  directory: string;
  plan: RunPlan;
}

/**
 * Plans a run that several processes are to compute, in steps: opens and checks its inputs, of the weights the header, and
 * writes the plan into its directory.
 *
 * @param flags `overwrite`: replace the run that lies there
 * @throws InputError where an input cannot be used, or a run lies there
 */
export async function writeRunPlan(
  config: Config,
  { overwrite }: { overwrite: boolean },
  context: RunContext,
): Promise<PlannedRun> {
  const started = new Date().toISOString();
  const { stopwatch, note } = context;
  const place = path.resolve(outputPath(config));
  const directory = await RunDirectory.open(place, { resume: false, overwrite }, context);
  return withCleanUp(
    async () => {
      const wish = { backend: config.backend, blas: config.blas };
      const backend = await stopwatch.time('choice of a backend', undefined, () => chooseBackend(wish, note));
      const inputs = await openInputs(config, backend, context, {
        admit: (candidate) => admitRun(config, candidate, directory),
      });
      const plan = planOfRun(inputs, { directory: directory.path, started });
      const wanted = { fingerprint: null, identity: inputs.identity, plan };
      const begun = directory.begin(wanted, filesOfPlan(plan, inputs.plan, directory.path));
      return { directory: directory.path, plan: begun.plan };
    },
    () => directory.close(),
  );
}
