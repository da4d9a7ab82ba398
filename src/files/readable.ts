import { EigenshardError } from '../errors.js';

/** Gives what a file says, or null where it cannot be read, or not understood: for whoever can do without it. */
export function readable<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof EigenshardError) return null;
    throw error;
  }
}
