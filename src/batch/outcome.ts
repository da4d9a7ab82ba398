import type { EigenshardError } from '../errors.js';
import type { Manifest } from '../output/manifest.js';
import type { RunOfBatch } from './batch-plan.js';
import { worstKind } from './worst-kind.js';

/** State of a run of a batch when a process has done what it had to do. */
export type Outcome = { run: RunOfBatch } & (
  | {
      status: 'finished';
      manifest: Manifest;
      /** Whether an earlier call had finished the run; null where it is another process's. */
      finishedBefore: boolean | null;
    }
  | { status: 'failed'; message: string; failure?: Failure }
  /** Another process has the run's lock. */
  | { status: 'computing'; holder: string }
  /** Taken up, and left before it was finished; or not taken up by anybody yet. */
  | { status: 'unfinished' | 'waiting' }
);

/** What the exit code is made of; a failure of which only a record tells has none. */
type Failure = Pick<EigenshardError, 'kind' | 'isPassing'>;

/** The failure of runs together: of the kind of the worst, and passing where one of them is; null where none failed. */
export function worstFailure(outcomes: readonly Outcome[]): Failure | null {
  const failures = outcomes.flatMap((outcome) =>
    outcome.status === 'failed' ? (outcome.failure ?? []) : [],
  );
  const kind = worstKind(failures.map((failure) => failure.kind));
  return kind === null ? null : { kind, isPassing: failures.some(({ isPassing }) => isPassing) };
}
