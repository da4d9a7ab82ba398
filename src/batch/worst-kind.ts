import type { ErrorKind } from '../errors.js';

/** Kinds of failures, from the worst on: what is wrong, what could not be computed, what is not at hand. */
const severity: readonly ErrorKind[] = ['verification', 'run', 'worker-died', 'input'];

/** The worst of the kinds of failures that the runs of a batch had; null where there was none. */
export function worstKind(kinds: readonly ErrorKind[]): ErrorKind | null {
  return severity.find((kind) => kinds.includes(kind)) ?? null;
}
