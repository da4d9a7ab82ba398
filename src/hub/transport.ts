import { RunError } from '../errors.js';
import { version } from '../version.js';
import { networkFailure } from './network-failure.js';
import { LEAST_BYTES_PER_SECOND, PassingFailure } from './retry.js';
import { retryAfterSeconds } from './retry-after.js';
import type { HubSettings } from './settings.js';

/** One request to the hub. */
export interface HubRequest {
  url: string;
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | undefined;
  /** True where a redirect to another origin is the answer: it has the headers that are asked for. */
  staysAtOrigin?: boolean;
  signal?: AbortSignal | undefined;
}

/** An answer of the hub, or of where it redirects to. */
export interface HubResponse {
  /** The last answer, of any status but redirects that were followed and those that may pass. */
  response: Response;
  /** The headers of the endpoint's own answers, the redirects before `response` among them. */
  endpointHeaders: Headers;
  /** The address that `response` is from. */
  url: URL;
}

/** The hub itself redirects twice at most; the limit of browsers and of undici is 20. */
const MOST_REDIRECTS = 10;

/** Failures that may be gone a moment later: too early, too many requests, and what a server says of itself. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Sends requests, one attempt each, and follows redirects itself: the token goes to the endpoint's own origin and
 * nowhere else, whatever a redirect says.
 */
export class HubTransport {
  readonly #settings: TransportSettings;
  readonly #origin: string;
  /** Hosts that have answered: where they can no longer be reached, the network may come back. */
  readonly #reached = new Set<string>();

  constructor(settings: TransportSettings) {
    this.#settings = settings;
    this.#origin = new URL(settings.endpoint).origin;
  }

  /**
   * Sends a request once.
   *
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
      if (target === null || (request.staysAtOrigin && target.origin !== url.origin)) {
        if (!passingStatuses.has(response.status)) return { response, endpointHeaders, url };
        await response.body?.cancel();
        throw new PassingFailure(`${url.host} answers ${response.status} ${response.statusText}`.trimEnd(), {
          retryAfterSeconds: retryAfterSeconds(response.status, response.headers, Date.now()),
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
    const { token, download, proxyHint } = this.#settings;
    const watch = new StallWatch(url.host, download.stallSeconds, signal);
    const own = url.origin === this.#origin && token !== null ? { authorization: token.authorization() } : {};
    try {
      const response = await fetch(url, {
        method: method ?? 'GET',
        headers: { ...headers, ...own, 'user-agent': `eigenshard/${version}` },
        body: body ?? null,
        redirect: 'manual',
        signal: watch.signal,
      });
      this.#reached.add(url.host);
      return response;
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw networkFailure(error, url, { reached: this.#reached.has(url.host), proxyHint });
    } finally {
      watch.stop();
    }
  }

  /**
   * Reads the body of a response, chunk by chunk.
   *
   * @throws PassingFailure where the connection is cut, or next to nothing comes any more
   */
  async *chunks({ response, url }: HubResponse, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    const watch = new StallWatch(url.host, this.#settings.download.stallSeconds, signal);
    const stop = () => void reader.cancel(watch.signal.reason).catch(() => {});
    watch.signal.addEventListener('abort', stop);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        watch.signal.throwIfAborted();
        if (done) return;
        watch.progress(value.length);
        yield value;
      }
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw networkFailure(error, url, { reached: true, proxyHint: null });
    } finally {
      watch.stop();
      watch.signal.removeEventListener('abort', stop);
      // Where the reader of the chunks went away before their end.
      stop();
    }
  }

  /** Reads the body of a response that may have `atMost` bytes, as a whole. */
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

type TransportSettings = Pick<HubSettings, 'endpoint' | 'token' | 'download' | 'proxyHint'>;

/** Parts in which a stall watch counts its time. */
const TICKS = 10;

/**
 * Notices that nothing comes from a host any more, or next to nothing. Time is counted in ticks and not read from a
 * clock, because the main thread may have been at work for a minute while the bytes were waiting for it.
 */
class StallWatch {
  /** Aborts with a PassingFailure when the host stalls, or when `outer` does. */
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #silentTicks = 0;
  /** Ticks of the current stretch of TICKS. */
  #ticks = 0;
  /** Bytes that came in it. */
  #bytes = 0;

  constructor(host: string, seconds: number, outer?: AbortSignal) {
    const controller = new AbortController();
    this.signal = outer === undefined ? controller.signal : AbortSignal.any([controller.signal, outer]);
    const tick = () => {
      const isSilent = ++this.#silentTicks === TICKS;
      const isSlow = ++this.#ticks === TICKS && this.#bytes < seconds * LEAST_BYTES_PER_SECOND;
      if (isSilent || isSlow) {
        const came = isSilent ? 'nothing came' : `no more than ${this.#bytes} bytes came`;
        controller.abort(new PassingFailure(`${host}: ${came} for ${seconds} s`));
      }
      if (this.#ticks === TICKS) [this.#ticks, this.#bytes] = [0, 0];
    };
    this.#timer = setInterval(tick, (seconds * 1000) / TICKS);
  }

  progress(bytes: number): void {
    this.#silentTicks = 0;
    this.#bytes += bytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Reads where a response redirects to; null where it does not. */
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
