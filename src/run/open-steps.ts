import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { schedulerOf } from '../executor/scheduler.js';
import { backendLabel, sameBackend } from '../linalg/backend/backend.js';
import { openBackend } from '../linalg/backend/open-backend.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { type RunPlan, readPlan } from '../output/run-plan.js';
import { directoryStore, type RunStore } from '../output/run-store.js';
import { makerOf, type UnitRun } from './unit-run.js';

/** What lies in the directory of a run that is computed in steps. */
export type StepsDirectory = { directory: string } & (
  | { isFinished: true }
  | { isFinished: false; plan: RunPlan; store: RunStore }
);

/**
 * Opens the directory of a run that has been planned, without a lock: others compute as well.
 *
 * @throws InputError where no run has been planned there
 */
export function openSteps(directory: string): StepsDirectory {
  const place = path.resolve(directory);
  const store = directoryStore(place, { durable: true, lock: null });
  const plan = readPlan(store, place);
  if (plan !== null) return { directory: place, isFinished: false, plan, store };
  if (existsSync(path.join(place, MANIFEST_NAME))) return { directory: place, isFinished: true };
  throw new InputError(
    `${directory}: no run has been planned there. \`eigenshard plan --out ${directory}\`, with the options of a run, plans one`,
  );
}

/**
 * Opens what computes the units of a planned run on this machine.
 *
 * @param environment variables of the process, of which a scheduler's are recorded
 * @throws InputError where other kernels would compute than were planned
 */
export async function openUnitRun(
  { directory, plan, store }: Extract<StepsDirectory, { isFinished: false }>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<UnitRun> {
  const backend = await openBackend(plan.choice);
  if (!sameBackend(backend.identity, plan.kernels)) {
    throw new InputError(
      `${directory}: was planned for ${backendLabel(plan.kernels)}, and here is ${backendLabel(backend.identity)}, whose last ` +
        'bits differ. Use machines with the same library, or plan the run again with --backend portable',
    );
  }
  return { directory, plan, store, lock: null, backend, maker: makerOf(backend, schedulerOf(environment)) };
}
