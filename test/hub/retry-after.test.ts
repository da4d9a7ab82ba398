import test from 'ava';
import { retryAfterSeconds } from '../../src/hub/retry-after.js';

const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT');
const after = (headers: Record<string, string>, status = 429) =>
  retryAfterSeconds(status, new Headers(headers), now);

test('Retry-After is seconds or a date, with every status', (t) => {
  for (const status of [429, 503]) {
    t.is(after({ 'retry-after': '120' }, status), 120);
    t.is(after({ 'retry-after': '1.5' }, status), 1.5);
    t.is(after({ 'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT' }, status), 30);
    t.is(after({ 'retry-after': 'Wed, 21 Oct 2015 07:27:00 GMT' }, status), 0);
    t.is(after({ 'retry-after': 'soon' }, status), null);
    t.is(after({}, status), null);
  }
});

test("a date is meant by the server's clock where it tells it", (t) => {
  const headers = { date: 'Wed, 21 Oct 2015 09:00:00 GMT', 'retry-after': 'Wed, 21 Oct 2015 09:00:20 GMT' };
  t.is(after(headers), 20);
  t.is(after({ ...headers, date: 'never' }), 92 * 60 + 20);
});

test('RateLimit says when a limit that is used up begins anew', (t) => {
  t.is(after({ ratelimit: '"api";r=0;t=55' }), 55);
  t.is(after({ ratelimit: '"api" ; r=0 ; t=55' }), 55);
  t.is(after({ ratelimit: '"pages";r=12;t=300, "api";r=0;t=55, "a, b";t=40;r=0' }), 55);
  // Refused though something remains: then there is nothing better to go by.
  t.is(after({ ratelimit: '"api";r=3;t=7' }), 7);
  t.is(after({ ratelimit: 'limit=100, remaining=0, reset=41' }), 41);
  t.is(after({ ratelimit: '"api";r=0' }), null);
  t.is(after({ ratelimit: '' }), null);
});

test('older names of the same are read: seconds to wait, or since 1970', (t) => {
  for (const name of ['ratelimit-reset', 'x-ratelimit-reset', 'x-rate-limit-reset']) {
    t.is(after({ [name]: '33' }), 33);
    t.is(after({ [name]: String(now / 1000 + 44) }), 44);
    t.is(after({ [name]: String(now / 1000 - 44) }), 0);
  }
});

test('Retry-After counts before the limits, and those with 429 alone', (t) => {
  const limits = { ratelimit: '"api";r=0;t=55', 'ratelimit-reset': '33' };
  t.is(after({ ...limits, 'retry-after': '2' }), 2);
  t.is(after(limits), 55);
  t.is(after(limits, 503), null);
});
