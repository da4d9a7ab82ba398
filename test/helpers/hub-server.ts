import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import type { ExecutionContext } from 'ava';
import { defaultDownload, type HubSettings, hubSettings } from '../../src/hub/settings.js';
import { scratchDirectory } from './fixtures.js';

/** What the server saw of a request. */
export interface Seen {
  /** 'cdn' is another origin, to which the hub redirects for the content of large files. */
  origin: 'hub' | 'cdn';
  method: string;
  /** Without its query. */
  path: string;
  /** With its question mark; empty where there is none. */
  query: string;
  range: string | null;
  authorization: string | null;
  /** Bytes of content that were handed to the connection. */
  sent: number;
}

/** What goes wrong with one response. */
export interface Fault {
  status?: number;
  headers?: Record<string, string>;
  /** The whole answer of the API. */
  page?: string;
  /** The connection is cut after so many bytes of content. */
  cutAfter?: number;
  /** Nothing comes any more after so many bytes of content, and the connection stays. */
  stallAfter?: number;
  /** One byte comes every so many milliseconds. */
  dripMilliseconds?: number;
  /** Other content than asked for, under the same headers but its length. */
  content?: (content: Buffer) => Buffer;
  ignoreRange?: boolean;
  /** A condition is taken for one that is not met. */
  ignoreIfRange?: boolean;
}

export interface ServedFile {
  content: Buffer;
  sha256: string;
  gitSha1: string;
  lfs: boolean;
}

/** A hub of one repository, on two ports of this machine: its API, and the origin that serves large files. */
export class HubServer {
  readonly repository: string;
  readonly files: Map<string, ServedFile>;
  /** Revisions; the first commit is that of all files. */
  readonly revisions: Map<string, string>;
  readonly seen: Seen[] = [];
  endpoint = '';
  /** Token without which everything is refused. */
  token: string | null = null;
  fault: (request: Seen, before: number) => Fault | null = () => null;
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(repository: string, files: Map<string, ServedFile>) {
    this.repository = repository;
    this.files = files;
    this.revisions = new Map([['main', COMMIT]]);
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerCdn(request, response));
  }

  /** Serves the files of a directory, safetensors as the hub serves what is in LFS. */
  static async start(t: ExecutionContext, directory: string, repository = 'some/model'): Promise<HubServer> {
    const files = readdirSync(directory).map((name) => {
      const content = readFileSync(join(directory, name));
      return [name, servedFile(content, name.endsWith('.safetensors'))] as const;
    });
    const server = new HubServer(repository, new Map(files));
    const both = [server.#hub, server.#cdn];
    await Promise.all(both.map((one) => new Promise<void>((done) => one.listen(0, '127.0.0.1', done))));
    server.endpoint = originOf(server.#hub);
    t.teardown(() => server.stop());
    return server;
  }

  stop(): void {
    for (const one of [this.#hub, this.#cdn]) {
      one.close();
      one.closeAllConnections();
    }
  }

  /** Settings that use this hub, with caches of their own, small pieces and short waits. */
  settings(t: ExecutionContext, changes: Partial<HubSettings> = {}): HubSettings {
    const home = scratchDirectory(t);
    return {
      ...hubSettings(this.environment(home)),
      retry: { attempts: 4, firstSeconds: 0.001, longestSeconds: 0.05 },
      download: { ...defaultDownload, pieceBytes: 10_000, connections: 3 },
      ...changes,
    };
  }

  /** Variables with which a child process uses this hub, with caches of its own. */
  environment(home: string): Record<string, string> {
    return {
      HF_ENDPOINT: this.endpoint,
      HF_HOME: join(home, 'huggingface'),
      HF_TOKEN: '',
      HF_TOKEN_PATH: join(home, 'no-token'),
      HF_HUB_CACHE: '',
      HF_HUB_OFFLINE: '',
      EIGENSHARD_CACHE: join(home, 'cache'),
      EIGENSHARD_CACHE_SIZE: '',
    };
  }

  /** Bytes of a file's content that were sent. */
  sentOf(name: string): number {
    return this.seenOf(name).reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Requests that were answered with content of a file. */
  seenOf(name: string): Seen[] {
    const file = this.files.get(name)!;
    const path = file.lfs ? `/blob/${file.sha256}` : `/${this.repository}/resolve/${COMMIT}/${name}`;
    return this.seen.filter((request) => request.path === path);
  }

  #see(
    origin: 'hub' | 'cdn',
    { method, url, headers }: IncomingMessage,
  ): { seen: Seen; fault: Fault | null } {
    const path = decodeURIComponent(url!.replace(/\?.*$/, ''));
    const query = url!.slice(url!.replace(/\?.*$/, '').length);
    const before = this.seen.filter((other) => other.path === path).length;
    const seen: Seen = {
      origin,
      method: method!,
      path,
      query,
      range: headers.range ?? null,
      authorization: headers.authorization ?? null,
      sent: 0,
    };
    this.seen.push(seen);
    return { seen, fault: this.fault(seen, before) };
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): unknown {
    const { seen, fault } = this.#see('hub', request);
    if (fault?.status !== undefined) return response.writeHead(fault.status, fault.headers).end();
    if (fault?.page !== undefined) return response.writeHead(200, fault.headers).end(fault.page);
    if (fault?.dripMilliseconds !== undefined && seen.path.startsWith('/api/')) {
      return drip(Buffer.alloc(1e6, ' '), fault.dripMilliseconds, seen, response);
    }
    const refuse = (status: number, code: string) =>
      response
        .writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' })
        .end(JSON.stringify({ error: code }));
    if (this.token !== null && seen.authorization !== `Bearer ${this.token}`) {
      return refuse(401, 'GatedRepo');
    }
    const [, owner, name] = /^(?:\/api\/models)?\/([^/]+)\/([^/]+)\//.exec(seen.path) ?? [];
    if (`${owner}/${name}` !== this.repository) return refuse(404, 'RepoNotFound');
    const [, kind, rest = ''] = /(revision|paths-info|tree|resolve)\/(.+)$/.exec(seen.path) ?? [];
    const named = [...this.revisions].flatMap(([revision, commit]) => [
      { name: revision, commit },
      { name: commit, commit },
    ]);
    const found = named.find(({ name }) => rest === name || rest.startsWith(`${name}/`));
    if (found === undefined) return refuse(404, 'RevisionNotFound');
    const { name: revision, commit } = found;
    const place = rest.slice(revision.length + 1);
    if (kind === 'revision') return sendJson(response, { _id: '1', id: this.repository, sha: commit });
    if (kind === 'paths-info') return this.#answerPaths(request, response);
    if (kind === 'tree') return this.#answerTree(place, seen, response);
    return this.#resolve(place, commit, seen, fault, request, response);
  }

  /** A directory's files, two a page. */
  #answerTree(directory: string, { path, query }: Seen, response: ServerResponse): void {
    const names = [...this.files.keys()].filter((name) => posix.dirname(name) === (directory || '.')).sort();
    const begin = Number(new URLSearchParams(query).get('cursor') ?? 0);
    const page = names.slice(begin, begin + 2);
    if (begin + 2 < names.length) {
      response.setHeader('link', `<${this.endpoint}${path}?cursor=${begin + 2}>; rel="next"`);
    }
    sendJson(response, [
      { type: 'directory', path: 'a-directory', size: 0, oid: '0'.repeat(40) },
      ...page.map((name) => listed(name, this.files.get(name)!)),
    ]);
  }

  #answerPaths(request: IncomingMessage, response: ServerResponse): void {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { paths } = JSON.parse(text) as { paths: string[] };
      const found = paths.flatMap((path) => {
        const file = this.files.get(path);
        return file === undefined ? [] : [listed(path, file)];
      });
      sendJson(response, found);
    });
  }

  #resolve(
    path: string,
    commit: string,
    seen: Seen,
    fault: Fault | null,
    request: IncomingMessage,
    response: ServerResponse,
  ): unknown {
    const file = this.files.get(path);
    if (file === undefined) {
      return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    }
    response.setHeader('x-repo-commit', commit);
    for (const [name, value] of Object.entries(fault?.headers ?? {})) response.setHeader(name, value);
    if (!file.lfs) return sendContent(file.content, `"${file.gitSha1}"`, seen, fault, request, response);
    if (!response.hasHeader('x-linked-etag')) response.setHeader('x-linked-etag', `"${file.sha256}"`);
    response.setHeader('x-linked-size', String(file.content.length));
    const location = `${originOf(this.#cdn)}/blob/${file.sha256}?signature=secret`;
    return response.writeHead(302, { location }).end();
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): unknown {
    const { seen, fault } = this.#see('cdn', request);
    if (fault?.status !== undefined) return response.writeHead(fault.status, fault.headers).end();
    const hash = seen.path.slice('/blob/'.length);
    const file = [...this.files.values()].find(({ sha256 }) => sha256 === hash);
    if (file === undefined) return response.writeHead(404).end();
    for (const [name, value] of Object.entries(fault?.headers ?? {})) response.setHeader(name, value);
    return sendContent(file.content, `"cdn-${hash.slice(0, 8)}"`, seen, fault, request, response);
  }
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export function servedFile(content: Buffer, lfs: boolean): ServedFile {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const gitSha1 = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  return { content, sha256, gitSha1, lfs };
}

/** What the hub's lists say of a file. */
function listed(path: string, { content, sha256, gitSha1, lfs }: ServedFile) {
  const inLfs = lfs ? { lfs: { oid: sha256, size: content.length, pointerSize: 134 } } : {};
  return { type: 'file', path, size: content.length, oid: gitSha1, ...inLfs };
}

/** A file or a range of it, as far as the fault lets it come. */
function sendContent(
  whole: Buffer,
  etag: string,
  seen: Seen,
  fault: Fault | null,
  { headers, method }: IncomingMessage,
  response: ServerResponse,
): unknown {
  if (!response.hasHeader('etag')) response.setHeader('etag', etag);
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const state = headers['if-range'];
  const ranged =
    first !== undefined &&
    !fault?.ignoreRange &&
    (!state || (state === response.getHeader('etag') && !fault?.ignoreIfRange));
  if (ranged && Number(first) >= whole.length) return response.writeHead(416).end();
  const range = ranged ? whole.subarray(Number(first), Number(last) + 1) : whole;
  if (ranged && !response.hasHeader('content-range')) {
    response.setHeader('content-range', `bytes ${first}-${last}/${whole.length}`);
  }
  if (method === 'HEAD') return response.writeHead(200, { 'content-length': whole.length }).end();
  if (fault?.dripMilliseconds !== undefined) {
    response.writeHead(ranged ? 206 : 200, { 'content-length': range.length });
    return drip(range, fault.dripMilliseconds, seen, response);
  }
  const content = fault?.content?.(range) ?? range;
  const length = fault?.cutAfter === undefined ? content.length : range.length;
  response.writeHead(ranged ? 206 : 200, { 'content-length': length });
  const end = fault?.cutAfter ?? fault?.stallAfter;
  const part = end === undefined ? content : content.subarray(0, end);
  seen.sent = part.length;
  // Nothing is left to cut off, and the connection may serve another request by then.
  if (end === undefined || part.length === content.length) return response.end(part);
  return response.write(part, fault?.cutAfter === undefined ? () => {} : () => void cut(response));
}

/**
 * Ends the connection after turns of the event loop in which a client of this process reads what was sent: it drops
 * what it has not read when it sees the end.
 */
async function cut(response: ServerResponse): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  response.destroy();
}

/** Sends byte after byte, to the last one or until the connection is closed. */
function drip(bytes: Uint8Array, milliseconds: number, seen: Seen, response: ServerResponse): void {
  const timer = setInterval(() => {
    response.write(bytes.subarray(seen.sent, ++seen.sent));
    if (seen.sent === bytes.length) response.end();
  }, milliseconds);
  response.on('close', () => clearInterval(timer));
}

function sendJson(response: ServerResponse, value: unknown): unknown {
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
