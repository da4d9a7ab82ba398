import { RunError } from '../errors.js';

/** Prints a result on stdout; what is only said on the way goes to stderr. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Bytes that are handed to stdout at once, about. */
const PIECE_CHARACTERS = 2 ** 16;

/** Prints a long text piece by piece, as fast as its reader takes it, and no further than the reader wants it. */
export async function printPieces(pieces: AsyncIterable<string>): Promise<void> {
  let gathered = '';
  for await (const piece of pieces) {
    gathered += piece;
    if (gathered.length < PIECE_CHARACTERS) continue;
    await written(gathered);
    gathered = '';
    if (failure !== undefined) return;
  }
  await written(gathered);
}

/** Why stdout took no more; undefined as long as it takes what is printed. */
let failure: NodeJS.ErrnoException | undefined;
let isWatched = false;

/**
 * Does work that prints, and sees to it that what was printed has been taken. A reader that has seen enough and closed
 * its end is no failure. Nobody can be told of a failure of stderr.
 *
 * @throws RunError where stdout took less than was printed, as a file on a full disk
 */
export async function withOutput<Result>(work: () => Promise<Result>): Promise<Result> {
  if (!isWatched) {
    // For as long as the process lives: a failure may be told after the command has ended.
    process.stdout.on('error', (error) => {
      failure ??= error;
    });
    process.stderr.on('error', () => {});
    isWatched = true;
  }
  failure = undefined;
  const result = await work();
  await written('');
  refuseCut(failure);
  return result;
}

function refuseCut(error: NodeJS.ErrnoException | undefined): void {
  if (error === undefined || error.code === 'EPIPE') return;
  throw new RunError(
    `stdout: took only a part of the result (${error.message}); free space where it goes, or send it elsewhere`,
    { cause: error },
  );
}

/** Hands a text to stdout, and waits until it is taken, or refused. */
function written(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      failure ??= error ?? undefined;
      resolve();
    });
  });
}
