import { EigenshardError, RunError } from '../errors.js';
import { refusal } from './refusal.js';
import { type RetryContext, withRetries } from './retry.js';
import type { HubSettings } from './settings.js';
import { HubTransport } from './transport.js';

/** Answers about a repository are some kilobytes. */
const LONGEST_ANSWER = 2 ** 24;

/** A file of a repository as the hub lists it. */
export interface HubFile {
  path: string;
  bytes: number;
  /** Its content's hash, which is also its ETag: SHA-256 of a file in LFS, else the SHA-1 of its git blob. */
  hash: string;
  algorithm: 'sha256' | 'git-sha1';
}

/** Asks the hub about one repository. */
export class HubRepository {
  readonly name: string;
  readonly settings: HubSettings;
  readonly transport: HubTransport;
  readonly retries: RetryContext;

  constructor(name: string, settings: HubSettings, retries: RetryContext) {
    this.name = name;
    this.settings = settings;
    this.transport = new HubTransport(settings);
    this.retries = retries;
  }

  /** The commit that a revision is now. */
  async commitOf(revision: string): Promise<string> {
    const { modelInfo } = await client();
    const asked = modelInfo({
      name: this.name,
      revision,
      additionalFields: ['sha'],
      hubUrl: this.settings.endpoint,
      fetch: this.#fetch(revision),
    });
    const { sha } = await asked.catch((error) => this.#refuseAnswer(error, revision));
    if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha;
    throw this.#unexpected(revision, 'a commit');
  }

  /** Those of the files `paths` that are in the commit. */
  async filesOf(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    const { pathsInfo } = await client();
    const asked = pathsInfo({
      repo: { type: 'model', name: this.name },
      revision: commit,
      paths: [...paths],
      hubUrl: this.settings.endpoint,
      fetch: this.#fetch(commit),
    });
    const found = await asked.catch((error) => this.#refuseAnswer(error, commit));
    return found
      .filter(({ type, path }) => type === 'file' && paths.includes(path))
      .map(({ path, size, oid, lfs }) => {
        const [bytes, hash] = [lfs?.size ?? size, lfs?.oid ?? oid];
        const expected = lfs === undefined || lfs === null ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/;
        if (!Number.isSafeInteger(bytes) || bytes < 0 || hash === undefined || !expected.test(hash)) {
          throw this.#unexpected(commit, `size and hash of ${path}`);
        }
        return { path, bytes, hash, algorithm: lfs ? 'sha256' : 'git-sha1' } as const;
      });
  }

  /** Where the bytes of a file are. */
  urlOf(commit: string, path: string): string {
    const segments = path.split('/').map(encodeURIComponent).join('/');
    return `${this.settings.endpoint}/${this.name}/resolve/${commit}/${segments}`;
  }

  /** fetch for the client: with our retries, redirects and token, and errors that say what to do. */
  #fetch(revision: string): typeof fetch {
    return async (input, init) => {
      const url = String(input);
      const headers = Object.fromEntries(new Headers(init?.headers).entries());
      const { signal } = this.retries;
      const body = typeof init?.body === 'string' ? init.body : undefined;
      return withRetries(`asking about ${this.name}`, this.retries, async () => {
        const request = { url, method: init?.method ?? 'GET', headers, body, signal };
        const answer = await this.transport.send(request);
        const { status } = answer.response;
        if (status === 200) return new Response(await this.transport.body(answer, LONGEST_ANSWER, signal));
        await answer.response.body?.cancel();
        throw refusal(status, answer.endpointHeaders, { repository: this.name, revision }, this.settings);
      });
    };
  }

  /** The client throws what is not ours where an answer is not what it expects, as the page of a login. */
  #refuseAnswer(error: unknown, revision: string): never {
    if (error instanceof EigenshardError || this.retries.signal?.aborted) throw error;
    throw this.#unexpected(revision, 'what was asked', error);
  }

  #unexpected(revision: string, what: string, cause?: unknown): RunError {
    return new RunError(
      `${this.name}@${revision}: ${this.settings.endpoint} does not tell ${what}; is HF_ENDPOINT a hub, or a mirror of one?`,
      { cause },
    );
  }
}

/** Loaded where a model is on the hub, and not at the start of every run. */
async function client(): Promise<typeof import('@huggingface/hub')> {
  return import('@huggingface/hub');
}
