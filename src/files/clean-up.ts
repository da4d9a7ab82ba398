import { EigenshardError, errorOfKind } from '../errors.js';

/**
 * Does `work`, and then `cleanUp`, whatever came of it. Where both fail, the failure of `work` is what is thrown, and
 * its message goes on with what the second one says: one may be the reason of the other.
 */
export async function withCleanUp<Result>(work: () => Promise<Result>, cleanUp: () => void): Promise<Result> {
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    throw afterCleanUp(error, cleanUp);
  }
  cleanUp();
  return result;
}

/** Does `work` and then `cleanUp`, synchronously, with the failures of `withCleanUp`. */
export function withCleanUpSync<Result>(work: () => Result, cleanUp: () => void): Result {
  let result: Result;
  try {
    result = work();
  } catch (error) {
    throw afterCleanUp(error, cleanUp);
  }
  cleanUp();
  return result;
}

/**
 * Does `cleanUp` after a failure.
 *
 * @returns the error to be thrown: the first one, whose message goes on with that of `cleanUp` where this fails too
 */
export function afterCleanUp(first: unknown, cleanUp: () => void): unknown {
  try {
    cleanUp();
    return first;
  } catch (second) {
    if (!(first instanceof EigenshardError) || !(second instanceof Error)) return first;
    if (first.message === second.message) return first;
    const both = errorOfKind(first.kind, `${first.message}\n${second.message}`, { cause: first });
    both.isResumable = first.isResumable;
    both.isPassing = first.isPassing;
    return both;
  }
}
