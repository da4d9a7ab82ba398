import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.js';
import { schedulerOf } from '../executor/scheduler.js';
import { backendLabel, sameBackend } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { partOfRun } from '../output/part-of-run.js';
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
  throw (
    partOfRun(directory) ??
    new InputError(
      `${directory}: no run has been planned there. \`eigenshard plan --out ${directory}\`, with the options of a run, plans one`,
    )
  );
}

/** How this machine computes units. */
export interface UnitOptions {
  /** A library that the user names; what a plan names is loaded only where it is one that is looked for by itself. */
  blas?: string | undefined;
  /** Variables of the process, of which a scheduler's are recorded. */
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens what computes the units of a planned run on this machine.
 *
 * @throws InputError where other kernels would compute than were planned
 */
export async function openUnitRun(
  { directory, plan, store }: Extract<StepsDirectory, { isFinished: false }>,
  { blas, environment }: UnitOptions,
  note: (line: string) => void,
): Promise<UnitRun> {
  const wish = { backend: 'auto', blas, recorded: plan.kernels } as const;
  const backend = await chooseBackend(wish, note);
  // Threads load what the plan says: it must be what was chosen here.
  if (!sameBackend(backend.identity, plan.kernels) || !isDeepStrictEqual(backend.choice, plan.choice)) {
    throw new InputError(
      `${directory}: was planned for ${backendLabel(plan.kernels)}, and here is ${backendLabel(backend.identity)}, whose last ` +
        'bits differ. Use machines with the same library, adapter and driver, name the library with --blas (if you trust it), ' +
        'or plan the run again with --backend portable',
    );
  }
  return { directory, plan, store, lock: null, backend, maker: makerOf(backend, schedulerOf(environment)) };
}
