import type { EigenshardError } from '../errors.js';

/** A question that an endpoint did not answer: it may not know it, and know another one. */
export class Unanswered extends Error {
  /** The error to be thrown where no other question is answered either. */
  readonly refusal: EigenshardError;

  constructor(refusal: EigenshardError) {
    super(refusal.message);
    this.name = 'Unanswered';
    this.refusal = refusal;
  }
}

/**
 * Asks one question after the other until one is answered.
 *
 * @throws EigenshardError the refusal of the first question where none is answered; any error but Unanswered at once
 */
export async function firstAnswer<T>(questions: readonly (() => Promise<T>)[]): Promise<T> {
  let refusal: EigenshardError | undefined;
  for (const ask of questions) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      refusal ??= error.refusal;
    }
  }
  throw refusal;
}
