import path from 'node:path';
import { EigenshardError, RunError } from '../errors.js';
import { firstAnswer, Unanswered } from './first-answer.js';
import { etagValue, type HubFile, hubFileOf } from './hub-file.js';
import { refusal } from './refusal.js';
import { type RetryContext, withRetries } from './retry.js';
import type { HubSettings } from './settings.js';
import { HubTransport } from './transport.js';

/** Most bytes of an answer about a repository; it has some kilobytes. */
const LONGEST_ANSWER = 2 ** 24;

/** Most pages of a directory's list, each of a thousand files. */
const MOST_PAGES = 100;

/** A file that nearly every model has, to learn a commit from its headers. */
const CONFIG_NAME = 'config.json';

/**
 * Asks the hub about one repository. A mirror that does not know the hub's newer questions is asked older ones, down to
 * the headers of a file, without which no client of the hub could download from it.
 */
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

  /** Asks which commit a revision is now. */
  async commitOf(revision: string): Promise<string> {
    const ask = this.#fetch(revision);
    return firstAnswer([
      () => this.#commitByInfo(revision, ask),
      // Without the fields that the client names in the query.
      () => this.#commitByInfo(revision, (url, options) => ask(String(url).replace(/\?.*$/, ''), options)),
      () => this.#commitByHead(revision),
    ]);
  }

  /** Asks which of the files `paths` are in the commit. */
  async filesOf(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    return firstAnswer([
      () => this.#filesByPath(commit, paths),
      () => this.#filesByTree(commit, paths),
      () => this.#filesByHead(commit, paths),
    ]);
  }

  /** Names the address of a file's bytes. */
  urlOf(revision: string, file: string): string {
    return `${this.settings.endpoint}/${this.name}/resolve/${encodeURIComponent(revision)}/${encodePath(file)}`;
  }

  async #commitByInfo(revision: string, ask: typeof fetch): Promise<string> {
    const { modelInfo } = await client();
    const hubUrl = this.settings.endpoint;
    const asked = modelInfo({ name: this.name, revision, additionalFields: ['sha'], hubUrl, fetch: ask });
    const { sha } = await asked.catch((error) => this.#refuseAnswer(error, revision));
    return this.#checkCommit(sha, revision);
  }

  async #commitByHead(revision: string): Promise<string> {
    const { headers } = await this.#head(revision, CONFIG_NAME);
    return this.#checkCommit(headers.get('x-repo-commit'), revision);
  }

  #checkCommit(commit: unknown, revision: string): string {
    if (typeof commit === 'string' && /^[0-9a-f]{40}$/.test(commit)) return commit;
    throw this.#unexpected(revision, 'a commit');
  }

  async #filesByPath(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    const { pathsInfo } = await client();
    const listed = pathsInfo({ ...this.#asked(commit), paths: [...paths], fetch: this.#fetch(commit) });
    return this.#filesAmong(await listed.catch((error) => this.#refuseAnswer(error, commit)), commit, paths);
  }

  async #filesByTree(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    const directories = new Set(paths.map((file) => path.posix.dirname(file)));
    const listed: ListedFile[] = [];
    for (const directory of directories) listed.push(...(await this.#tree(commit, directory)));
    return this.#filesAmong(listed, commit, paths);
  }

  async #tree(commit: string, directory: string): Promise<ListedFile[]> {
    const { listFiles } = await client();
    const ask = this.#fetch(commit);
    let pages = 0;
    const countedAsk: typeof fetch = async (url, options) => {
      if (++pages > MOST_PAGES) throw this.#unexpected(commit, `the files of ${directory} to an end`);
      return ask(url, options);
    };
    const files = listFiles({
      ...this.#asked(commit),
      path: directory === '.' ? '' : encodePath(directory),
      fetch: countedAsk,
    });
    try {
      const listed: ListedFile[] = [];
      for await (const file of files) listed.push(file);
      return listed;
    } catch (error) {
      return this.#refuseAnswer(error, commit);
    }
  }

  #asked(revision: string) {
    return {
      repo: { type: 'model' as const, name: this.name },
      revision,
      hubUrl: this.settings.endpoint,
    };
  }

  #filesAmong(listed: readonly ListedFile[], commit: string, paths: readonly string[]): HubFile[] {
    return listed
      .filter(({ type, path: name }) => type === 'file' && paths.includes(name))
      .map(({ path: name, size, oid, lfs }) =>
        this.#checkFile(hubFileOf(name, lfs?.size ?? size, lfs?.oid ?? oid ?? ''), name, commit),
      );
  }

  async #filesByHead(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    const files: HubFile[] = [];
    for (const name of paths) {
      const { status, headers } = await this.#head(commit, name);
      if (status === 404) continue;
      // The headers of a redirect are about the redirect itself, but for those of these names.
      const own = status === 200 ? headers : new Headers();
      const size = headers.get('x-linked-size') ?? own.get('content-length') ?? Number.NaN;
      const etag = headers.get('x-linked-etag') ?? own.get('etag') ?? '';
      files.push(this.#checkFile(hubFileOf(name, Number(size), etagValue(etag)), name, commit));
    }
    return files;
  }

  #checkFile(file: HubFile | null, name: string, commit: string): HubFile {
    if (file === null) throw this.#unexpected(commit, `size and hash of ${name}`);
    return file;
  }

  /** Asks the endpoint for a file's headers; 404 is an answer as well. */
  async #head(revision: string, file: string): Promise<{ status: number; headers: Headers }> {
    const { signal } = this.retries;
    const url = this.urlOf(revision, file);
    const headers = { 'accept-encoding': 'identity' };
    return withRetries(`asking about ${this.name}`, this.retries, async () => {
      const answer = await this.transport.send({ url, method: 'HEAD', headers, staysAtOrigin: true, signal });
      const { status } = answer.response;
      const isAnswer = status < 400 || (status === 404 && isOfFile(answer.endpointHeaders));
      if (!isAnswer) throw this.#refuse(status, answer.endpointHeaders, revision);
      return { status, headers: answer.endpointHeaders };
    });
  }

  /** Makes a fetch for the client: with our retries, redirects and token, and errors that say what to do. */
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
        if (status === 200) {
          const content = await this.transport.body(answer, LONGEST_ANSWER, signal);
          // Where the next page of a list is.
          const link = answer.response.headers.get('link');
          return new Response(content, link === null ? {} : { headers: { link } });
        }
        await answer.response.body?.cancel();
        throw this.#refuse(status, answer.endpointHeaders, revision);
      });
    };
  }

  /** Judges a status: the hub says in X-Error-Code what it means; a mirror may just not know the question. */
  #refuse(status: number, headers: Headers, revision: string): Error {
    const refused = refusal(status, headers, { repository: this.name, revision }, this.settings);
    return status === 401 || headers.has('x-error-code') ? refused : new Unanswered(refused);
  }

  /** Explains what the client throws where an answer is not what it expects, as the page of a login. */
  #refuseAnswer(error: unknown, revision: string): never {
    const isOurs = error instanceof EigenshardError || error instanceof Unanswered;
    if (isOurs || this.retries.signal?.aborted) throw error;
    throw this.#unexpected(revision, 'what was asked', error);
  }

  #unexpected(revision: string, what: string, cause?: unknown): Unanswered {
    const { endpoint } = this.settings;
    return new Unanswered(
      new RunError(
        `${this.name}@${revision}: ${endpoint} does not tell ${what}; is HF_ENDPOINT a hub, or a mirror of one?`,
        { cause },
      ),
    );
  }
}

/** A file in the hub's answer. */
interface ListedFile {
  type: string;
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number } | null;
}

/** Says whether a 404 may be about a file alone, and not about its repository or revision. */
function isOfFile(headers: Headers): boolean {
  return [null, 'EntryNotFound'].includes(headers.get('x-error-code'));
}

function encodePath(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

/** Loads the client where a model is on the hub, and not at the start of every run. */
async function client(): Promise<typeof import('@huggingface/hub')> {
  return import('@huggingface/hub');
}
