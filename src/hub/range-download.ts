import pLimit from 'p-limit';
import { nameOf, type PinnedFile, rangeChunks } from './file-request.js';
import type { PartialRange, Piece } from './partial-range.js';
import { type RetryContext, withRetries } from './retry.js';

/**
 * Downloads what is missing of a range, several pieces at once, each on from the byte where it stopped. After the
 * first failure the other pieces stop too, and keep what they have.
 *
 * @param begin of the range in the file
 * @param onBytes is told of bytes as they arrive
 */
export async function downloadRange(
  pinned: PinnedFile,
  begin: number,
  partial: PartialRange,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { repository } = pinned;
  const failure = new AbortController();
  const retries: RetryContext = {
    ...repository.retries,
    signal: signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]),
  };
  const limit = pLimit(repository.settings.download.connections);
  const missing = partial.pieces.filter((piece) => piece.received < piece.end - piece.begin);
  await Promise.allSettled(
    missing.map((piece) =>
      limit(async () => {
        // Also those that are still waiting for their turn.
        if (retries.signal?.aborted) return;
        await downloadPiece(pinned, begin, partial, piece, onBytes, retries);
      }).catch((error) => failure.abort(error)),
    ),
  );
  signal?.throwIfAborted();
  if (failure.signal.aborted) throw failure.signal.reason;
}

async function downloadPiece(
  pinned: PinnedFile,
  begin: number,
  partial: PartialRange,
  piece: Piece,
  onBytes: (bytes: number) => void,
  retries: RetryContext,
): Promise<void> {
  await withRetries(
    `downloading ${nameOf(pinned)}`,
    retries,
    async () => {
      const range = { begin: begin + piece.begin + piece.received, end: begin + piece.end };
      if (range.begin === range.end) return;
      for await (const chunk of rangeChunks(pinned, range, retries.signal)) {
        partial.append(piece, chunk);
        onBytes(chunk.length);
      }
    },
    () => piece.received,
  );
}
