import { RunError } from '../errors.js';
import { contentHash, etagValue, type HubFile } from './hub-file.js';
import { refusal } from './refusal.js';
import type { HubRepository } from './repository.js';
import { PassingFailure, withRetries } from './retry.js';
import type { HubResponse } from './transport.js';

/** Bytes [begin, end) of a file. */
export interface ByteRange {
  begin: number;
  end: number;
}

/** A file of the hub at its commit. */
export interface PinnedFile {
  repository: HubRepository;
  commit: string;
  file: HubFile;
  /** Properties that all answers for this file have in common. */
  served: {
    /** The ETag under which the bytes came first, from wherever redirects led; null before. */
    etag: string | null;
    /** True while the server may be asked with If-Range; some answer that with the whole file. */
    ifRange: boolean;
    /** First bytes of ranges that the server said once it does not have. */
    unsatisfied: Set<number>;
  };
}

/** Names a file of a commit to requests. */
export function pinFile(repository: HubRepository, commit: string, file: HubFile): PinnedFile {
  return { repository, commit, file, served: { etag: null, ifRange: true, unsatisfied: new Set() } };
}

/** Downloads a whole, small file and checks it against the hash that the hub lists. */
export async function downloadFile(
  pinned: PinnedFile,
  signal: AbortSignal | undefined = pinned.repository.retries.signal,
): Promise<Buffer<ArrayBuffer>> {
  const { repository, file } = pinned;
  return withRetries(`downloading ${nameOf(pinned)}`, { ...repository.retries, signal }, async () => {
    const answer = await request(pinned, null, signal);
    const bytes = await repository.transport.body(answer, file.bytes, signal);
    if (bytes.length < file.bytes) {
      throw new PassingFailure(`the file ended after ${bytes.length} of ${file.bytes} bytes`);
    }
    const hash = contentHash(bytes, file.algorithm);
    if (hash === file.hash) return bytes;
    throw new PassingFailure(`its content has the hash ${hash}, expected ${file.hash}`);
  });
}

/** Downloads a short range of a file into memory. */
export async function downloadBytes(pinned: PinnedFile, range: ByteRange): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let at = range.begin;
  const { retries } = pinned.repository;
  await withRetries(
    `downloading ${nameOf(pinned)}`,
    retries,
    async () => {
      for await (const chunk of rangeChunks(pinned, { ...range, begin: at }, retries.signal)) {
        chunks.push(chunk);
        at += chunk.length;
      }
    },
    () => at,
  );
  return Buffer.concat(chunks);
}

/**
 * Asks once for a range that is not empty, and gives its bytes as they come: never more than asked.
 *
 * @throws PassingFailure where it ends early: what came until then is right
 * @throws RunError where it is of another state of the file, or the server knows no ranges
 */
export async function* rangeChunks(
  pinned: PinnedFile,
  range: ByteRange,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const answer = await request(pinned, range, signal);
  let at = range.begin;
  for await (const chunk of pinned.repository.transport.chunks(answer, signal)) {
    at += chunk.length;
    if (at > range.end) {
      throw changed(pinned, `${answer.url.host} sends more than bytes ${range.begin} to ${range.end - 1}`);
    }
    yield chunk;
  }
  if (at < range.end) {
    throw new PassingFailure(`${answer.url.host} ended at byte ${at} of ${range.begin} to ${range.end - 1}`);
  }
}

/** Sends the request and checks everything that its headers say. */
async function request(
  pinned: PinnedFile,
  range: ByteRange | null,
  signal: AbortSignal | undefined,
): Promise<HubResponse> {
  const { repository, commit, file, served } = pinned;
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (range !== null) headers.range = `bytes=${range.begin}-${range.end - 1}`;
  if (range !== null && served.ifRange && served.etag?.startsWith('"')) headers['if-range'] = served.etag;
  const url = repository.urlOf(commit, file.path);
  const answer = await repository.transport.send({ url, headers, signal });
  try {
    checkStatus(pinned, range, answer, 'if-range' in headers);
    checkState(pinned, range, answer);
    if (range !== null) checkRange(pinned, range, answer.response.headers.get('content-range'));
  } catch (error) {
    await answer.response.body?.cancel();
    throw error;
  }
  return answer;
}

function checkStatus(
  pinned: PinnedFile,
  range: ByteRange | null,
  answer: HubResponse,
  conditional: boolean,
): void {
  const { status } = answer.response;
  const { repository, commit, file, served } = pinned;
  if (status === (range === null ? 200 : 206)) {
    if (range !== null) served.unsatisfied.delete(range.begin);
    return;
  }
  if (status === 416 && range !== null) throw unsatisfied(pinned, range, answer);
  if (status !== 200) {
    const asked = { repository: repository.name, revision: commit, file: file.path };
    if (answer.url.origin === new URL(repository.settings.endpoint).origin) {
      throw refusal(status, answer.endpointHeaders, asked, repository.settings);
    }
    // The address that the endpoint signed is good for some minutes: it gives another one when asked again.
    throw new PassingFailure(`${answer.url.host}, to which the hub redirects, answers ${status}`);
  }
  const etag = answer.response.headers.get('etag');
  if (served.etag !== null && etag !== served.etag) {
    throw changed(pinned, `its ETag was ${served.etag} and is now ${etag}`);
  }
  if (conditional) {
    served.ifRange = false;
    throw new PassingFailure(`${answer.url.host} answers If-Range with the whole file`);
  }
  throw new RunError(
    `${nameOf(pinned)}: ${answer.url.host} does not serve byte ranges, so that all ${file.bytes} bytes would have to ` +
      'be downloaded; choose another HF_ENDPOINT, or download the model and give its directory',
  );
}

/**
 * Judges a server that says it has no such range, which the listed size says it has: one that has not got all of a file
 * yet says so for a moment; of a file that has become shorter it says so always, or names the size.
 */
function unsatisfied(pinned: PinnedFile, { begin, end }: ByteRange, { response, url }: HubResponse): Error {
  const { served } = pinned;
  const size = /^bytes \*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  const isShorter = size !== undefined && Number(size) < end;
  if (isShorter || served.unsatisfied.has(begin))
    return changed(pinned, `it has no bytes ${begin} to ${end - 1}`);
  served.unsatisfied.add(begin);
  return new PassingFailure(`${url.host} says that it has no bytes ${begin} to ${end - 1}`);
}

/**
 * Checks that the bytes are of the commit that was pinned, and of the file that was listed there. An ETag of the endpoint's own
 * says it where it looks like a hash of that kind: some mirrors have others, and whole files are hashed in any case.
 */
function checkState(
  pinned: PinnedFile,
  range: ByteRange | null,
  { response, endpointHeaders, url }: HubResponse,
): void {
  const { commit, file, repository, served } = pinned;
  const own = url.origin === new URL(repository.settings.endpoint).origin;
  const ownEtag = own && range !== null ? response.headers.get('etag') : null;
  const isHash = ownEtag !== null && /^[0-9a-f]+$/.test(etagValue(ownEtag));
  const sameKind = isHash && etagValue(ownEtag).length === file.hash.length ? ownEtag : null;
  const expectations = [
    ['commit', endpointHeaders.get('x-repo-commit'), commit],
    ['hash', endpointHeaders.get('x-linked-etag') ?? sameKind, file.hash],
    ['size', endpointHeaders.get('x-linked-size'), String(file.bytes)],
  ] as const;
  for (const [what, found, expected] of expectations) {
    if (found === null || etagValue(found) === expected) continue;
    throw changed(pinned, `its ${what} was ${expected} and is now ${etagValue(found)}`);
  }
  const encoding = response.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new RunError(
      `${nameOf(pinned)}: ${url.host} sends it in the encoding ${encoding}, which nobody asked for`,
    );
  }
  const etag = response.headers.get('etag');
  served.etag ??= etag;
  if (etag !== null && etag !== served.etag) {
    throw changed(pinned, `its ETag was ${served.etag} and is now ${etag}`);
  }
}

function checkRange(pinned: PinnedFile, { begin, end }: ByteRange, value: string | null): void {
  const expected = `bytes ${begin}-${end - 1}/${pinned.file.bytes}`;
  if (value?.trim().toLowerCase() === expected) return;
  throw changed(pinned, `asked for ${expected}, got ${value ?? 'no Content-Range'}`);
}

function changed(pinned: PinnedFile, what: string): RunError {
  return new RunError(
    `${nameOf(pinned)}: changed during the download: ${what}; run the same command again, and where that does not ` +
      'help, check HF_ENDPOINT',
  );
}

/** Names a file to a person: 'owner/name@commit/file'. */
export function nameOf({ repository, commit, file }: PinnedFile): string {
  return `${repository.name}@${commit.slice(0, 12)}/${file.path}`;
}
