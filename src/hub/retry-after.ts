/** A number above this is seconds since 1970, not seconds to wait: that would be thirty years. */
const EPOCH_FROM = 1e9;

/** Headers that say when a limit ends, by the names that servers gave them before there was a standard. */
const RESET_NAMES = ['ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset'];

/**
 * Reads how many seconds a server wants to be left alone; null where it does not say. Retry-After counts before the
 * headers of rate limits, which count with the status 429 alone: many servers send them with every answer.
 *
 * @param now in milliseconds since 1970, by this machine's clock; the server's, where it tells it, counts before it
 */
export function retryAfterSeconds(status: number, headers: Headers, now: number): number | null {
  const date = Date.parse(headers.get('date') ?? '');
  const serverNow = Number.isNaN(date) ? now : date;
  const asked = parseMoment(headers.get('retry-after'), serverNow);
  if (asked !== null || status !== 429) return asked;
  const limited = parseRateLimit(headers.get('ratelimit'));
  if (limited !== null) return limited;
  return RESET_NAMES.reduce<number | null>(
    (found, name) => found ?? parseMoment(headers.get(name), serverNow),
    null,
  );
}

/** Reads the seconds until a moment that is given as seconds from now, as seconds since 1970, or as a date. */
function parseMoment(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) {
    const seconds = Number(value);
    return seconds < EPOCH_FROM ? seconds : Math.max(0, seconds - now / 1000);
  }
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, (date - now) / 1000);
}

/**
 * Reads RateLimit, a list of limits with what remains of each (r) and when it begins anew (t): `"api";r=0;t=55`. Of
 * several, those of which nothing remains count. An older draft has one limit: `limit=100, remaining=0, reset=55`.
 */
function parseRateLimit(value: string | null): number | null {
  if (value === null) return null;
  const [, reset] = /\breset=(\d+)/.exec(value) ?? [];
  if (reset !== undefined) return Number(reset);
  const limits = (value.match(/(?:"[^"]*"|[^,"])+/g) ?? []).flatMap((limit) => {
    const [, seconds] = /;\s*t=(\d+)/.exec(limit) ?? [];
    return seconds === undefined ? [] : { seconds: Number(seconds), isUsedUp: /;\s*r=0\b/.test(limit) };
  });
  const usedUp = limits.filter(({ isUsedUp }) => isUsedUp);
  const counting = usedUp.length > 0 ? usedUp : limits;
  return counting.length === 0 ? null : Math.max(...counting.map(({ seconds }) => seconds));
}
