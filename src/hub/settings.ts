import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { parseBytes } from '../text/figures.js';
import { proxyHint } from './proxy.js';
import { Token } from './token.js';

/** Ways to reach the hub, and the place where its bytes are kept. */
export interface HubSettings {
  /** Origin, and path where it has one, without a slash at the end. */
  endpoint: string;
  /** Access token, sent to the endpoint's origin alone; null for none. */
  token: Token | null;
  /** True where nothing may be asked of the network. */
  offline: boolean;
  /** The hub's own cache, as its official clients fill it: models--<owner>--<name>/snapshots/<commit>. */
  hubCache: string;
  /** eigenshard's cache of what it downloads. */
  cache: string;
  /** Size to which the cache may grow before the least recently used is removed. */
  cacheBytes: number;
  retry: RetrySettings;
  download: DownloadSettings;
  /** Explanation of what became of a proxy, where the endpoint cannot be reached; null where there is none. */
  proxyHint: string | null;
}

/** Sizes and limits of a download. */
export interface DownloadSettings {
  /** Size of the pieces in which a range is asked for. */
  pieceBytes: number;
  /** Pieces that are asked for at once. */
  connections: number;
  /** Time without a byte after which an answer is given up, to be asked for again. */
  stallSeconds: number;
}

/** Limits of trying again. */
export interface RetrySettings {
  /** Attempts without any progress before it is given up. */
  attempts: number;
  /** The wait after the first one; each later one is twice as long. */
  firstSeconds: number;
  /** The longest wait, whatever a server asks for. */
  longestSeconds: number;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** Some twenty unembedding matrices of the size of Qwen3-4B's (778 MB). */
export const DEFAULT_CACHE_BYTES = 20e9;

/** Patience for half a minute of trouble, or for as long as a server asks, up to five minutes a time. */
export const defaultRetry: RetrySettings = { attempts: 6, firstSeconds: 1, longestSeconds: 300 };

/** Pieces of 16 MiB are a second at 134 Mbit/s: long beside a request's start, short beside the whole. */
export const defaultDownload: DownloadSettings = {
  pieceBytes: 2 ** 24,
  connections: 6,
  stallSeconds: 60,
};

/**
 * Reads the settings from the environment, by the names and defaults of the hub's official clients: HF_ENDPOINT,
 * HF_TOKEN or the file at HF_TOKEN_PATH or $HF_HOME/token, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE; and eigenshard's
 * own EIGENSHARD_CACHE (a directory) and EIGENSHARD_CACHE_SIZE (as 20GB). See `proxyHint` for those of a proxy.
 *
 * @throws InputError that names the variable
 */
export function hubSettings(environment: Readonly<Record<string, string | undefined>>): HubSettings {
  const get = (name: string) => environment[name]?.trim() || undefined;
  const caches = get('XDG_CACHE_HOME') ?? path.join(homedir(), '.cache');
  const home = expand(get('HF_HOME') ?? path.join(caches, 'huggingface'));
  const endpoint = endpointOf(get('HF_ENDPOINT') ?? DEFAULT_ENDPOINT);
  return {
    endpoint,
    token: tokenOf(get('HF_TOKEN'), expand(get('HF_TOKEN_PATH') ?? path.join(home, 'token'))),
    offline: isTrue(get('HF_HUB_OFFLINE')),
    hubCache: expand(get('HF_HUB_CACHE') ?? path.join(home, 'hub')),
    cache: expand(get('EIGENSHARD_CACHE') ?? path.join(caches, 'eigenshard', 'hub')),
    cacheBytes: cacheBytesOf(get('EIGENSHARD_CACHE_SIZE')),
    retry: defaultRetry,
    download: defaultDownload,
    proxyHint: proxyHint(environment, endpoint),
  };
}

/**
 * Refuses what would have to be asked of the network.
 *
 * @throws InputError where the settings forbid to ask the network for `what`
 */
export function refuseOffline({ offline }: Pick<HubSettings, 'offline'>, what: string): void {
  if (offline) throw notInCache(what);
}

/** Says that what is asked for offline is not here. */
export function notInCache(what: string): InputError {
  return new InputError(
    `${what}: is not in the cache, and HF_HUB_OFFLINE forbids to download it; run once with the network, without ` +
      'HF_HUB_OFFLINE',
  );
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    // Not the text itself, in which there may be a password.
    throw new InputError(
      'HF_ENDPOINT: expected an address such as https://huggingface.co, without a user and a password; correct it',
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function tokenOf(given: string | undefined, file: string): Token | null {
  const text = given ?? readTokenFile(file);
  if (text === '') return null;
  if (/^[\x21-\x7e]+$/.test(text)) return new Token(text);
  const place = given === undefined ? file : 'HF_TOKEN';
  throw new InputError(`${place}: expected one access token of the hub on one line; correct it`);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw asInputError(error, file, "the hub's access token");
  }
}

function cacheBytesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_CACHE_BYTES;
  const bytes = parseBytes(text);
  if (bytes !== null) return bytes;
  throw new InputError(`EIGENSHARD_CACHE_SIZE: is ${JSON.stringify(text)}, expected a size such as 20GB`);
}

function isTrue(text: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(text ?? '');
}

function expand(directory: string): string {
  return path.resolve(directory.replace(/^~(?=$|\/)/, homedir()));
}
