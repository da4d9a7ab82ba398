import { RunError } from '../errors.js';
import { version } from '../version.js';
import { networkFailure } from './network-failure.js';
import { PassingFailure, parseRetryAfter } from './retry.js';
import type { HubSettings } from './settings.js';
import { stallWatch } from './stall-watch.js';

/** One request to the hub. */
export interface HubRequest {
  url: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface HubResponse {
  /** The last one, of any status but redirects and those that may pass. */
  response: Response;
  /** The headers of the endpoint's own answers, the redirects before `response` among them. */
  endpointHeaders: Headers;
  /** Where `response` is from. */
  url: URL;
}

/** The hub itself redirects twice at most; the limit of browsers and of undici is 20. */
const MOST_REDIRECTS = 10;

/** What may be gone a moment later: too early, too many requests, and what a server says of itself. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Sends requests, one attempt each, and follows redirects itself: the token goes to the endpoint's own origin and
 * nowhere else, whatever a redirect says.
 */
export class HubTransport {
  readonly #settings: Pick<HubSettings, 'endpoint' | 'token' | 'download'>;
  readonly #origin: string;
  /** Once the hub has answered, a network that is gone may come back. */
  #reached = false;

  constructor(settings: Pick<HubSettings, 'endpoint' | 'token' | 'download'>) {
    this.#settings = settings;
    this.#origin = new URL(settings.endpoint).origin;
  }

  /**
   * @throws PassingFailure where the same request may succeed later
   * @throws RunError where it cannot: no network, no such host, a certificate that is not valid
   */
  async send(request: HubRequest): Promise<HubResponse> {
    let url = new URL(request.url);
    let { method = 'GET', body } = request;
    const endpointHeaders = new Headers();
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const response = await this.#fetch(url, { ...request, method, body });
      if (url.origin === this.#origin)
        for (const [name, value] of response.headers) endpointHeaders.set(name, value);
      const target = redirectTarget(response, url);
      if (target === null) {
        if (!passingStatuses.has(response.status)) return { response, endpointHeaders, url };
        await response.body?.cancel();
        throw new PassingFailure(`${url.host} answers ${response.status} ${response.statusText}`.trimEnd(), {
          retryAfterSeconds: parseRetryAfter(response.headers.get('retry-after'), Date.now()),
        });
      }
      await response.body?.cancel();
      // As browsers do: only 307 and 308 promise that the method stays.
      if (response.status < 307) [method, body] = ['GET', undefined];
      url = target;
    }
    throw new RunError(`${request.url}: redirects more than ${MOST_REDIRECTS} times; check HF_ENDPOINT`);
  }

  async #fetch(url: URL, { method, headers, body, signal }: HubRequest): Promise<Response> {
    const { token, download } = this.#settings;
    const watch = stallWatch(url.host, download.stallSeconds, signal);
    const own = url.origin === this.#origin && token !== null ? { authorization: token.authorization() } : {};
    try {
      const response = await fetch(url, {
        method: method ?? 'GET',
        headers: { ...headers, ...own, 'user-agent': `eigenshard/${version}` },
        body: body ?? null,
        redirect: 'manual',
        signal: watch.signal,
      });
      this.#reached = true;
      return response;
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw networkFailure(error, url, this.#reached);
    } finally {
      watch.stop();
    }
  }

  /**
   * The body of a response, chunk by chunk.
   * @throws PassingFailure where the connection is cut, or nothing comes any more
   */
  async *chunks({ response, url }: HubResponse, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    const watch = stallWatch(url.host, this.#settings.download.stallSeconds, signal);
    const stop = () => void reader.cancel(watch.signal.reason).catch(() => {});
    watch.signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        watch.signal.throwIfAborted();
        if (done) return;
        watch.progress();
        yield value;
      }
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw networkFailure(error, url, true);
    } finally {
      watch.stop();
      watch.signal.removeEventListener('abort', stop);
      // Where the reader of the chunks went away before their end.
      stop();
    }
  }

  /** The body of a response that may have `atMost` bytes, as a whole. */
  async body(answer: HubResponse, atMost: number, signal?: AbortSignal): Promise<Buffer<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.chunks(answer, signal)) {
      bytes += chunk.length;
      if (bytes > atMost) {
        throw new RunError(
          `${answer.url.host}: sends more than the ${atMost} bytes expected; check HF_ENDPOINT`,
        );
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

/** @returns null where the response is no redirect */
function redirectTarget(response: Response, from: URL): URL | null {
  const location = response.headers.get('location');
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return null;
  const target = URL.canParse(location, from.href) ? new URL(location, from) : null;
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (target !== null && allowed.includes(target.protocol)) return target;
  throw new RunError(
    `${from.origin}: redirects to an address that is not ${allowed.join(' or ')}//...; check HF_ENDPOINT`,
  );
}
