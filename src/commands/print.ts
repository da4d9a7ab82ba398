import { pipeline } from 'node:stream/promises';

/** A result, on stdout; what is only said on the way goes to stderr. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The same of a long text; a reader that has seen enough may close its end. */
export async function printPieces(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(pieces, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
