import test from 'ava';
import { RunError } from '../../src/errors.js';
import { PassingFailure, waitSeconds, withRetries } from '../../src/hub/retry.js';

const context = {
  retry: { attempts: 3, firstSeconds: 0.001, longestSeconds: 0.01 },
  note: () => {},
};

test('waits double, with jitter, honour what the server asks for, and are capped', (t) => {
  const retry = { attempts: 9, firstSeconds: 1, longestSeconds: 60 };
  t.deepEqual(
    [1, 2, 3, 4].map((failed) => waitSeconds(retry, failed, null, 1)),
    [1, 2, 4, 8],
  );
  t.deepEqual(
    [1, 2, 3, 4].map((failed) => waitSeconds(retry, failed, null, 0)),
    [0.5, 1, 2, 4],
  );
  t.is(waitSeconds(retry, 1, 30, 0), 30);
  t.is(waitSeconds(retry, 1, 3600, 0), 60);
  t.is(waitSeconds(retry, 1, 0, 1), 1);
  t.is(waitSeconds(retry, 50, null, 1), 60);
});

test('what passes is tried again, what does not is thrown at once', async (t) => {
  let calls = 0;
  const answer = await withRetries('it', context, async () => {
    if (++calls < 3) throw new PassingFailure('not yet');
    return 'done';
  });
  t.is(answer, 'done');
  t.is(calls, 3);
  const fatal = new Error('never');
  t.is(await t.throwsAsync(withRetries('it', context, () => Promise.reject(fatal))), fatal);
});

test('it is given up after so many attempts without progress', async (t) => {
  let [calls, progress] = [0, 0];
  const attempt = async () => {
    // Many bytes: what counts is that they are many for the time that an attempt takes.
    if (++calls <= 10) progress += 1e9;
    throw new PassingFailure('cut off');
  };
  const error = await t.throwsAsync(
    withRetries('downloading X', context, attempt, () => progress),
    {
      instanceOf: RunError,
    },
  );
  t.regex(error.message, /^downloading X: given up after 3 attempts: cut off; try again later/);
  // The tenth, the last with progress, counts as the first of the three.
  t.is(calls, 12);
});

test('bytes that come too slowly are no progress', async (t) => {
  let [calls, progress] = [0, 0];
  const attempt = async () => {
    calls++;
    progress += 1;
    // Longer than one byte may take.
    const begun = performance.now();
    while (performance.now() - begun < 2);
    throw new PassingFailure('cut off');
  };
  await t.throwsAsync(
    withRetries('it', context, attempt, () => progress),
    { instanceOf: RunError },
  );
  t.is(calls, 3);
});

test('a long wait is told, and ended by the signal', async (t) => {
  const stop = new AbortController();
  const notes: string[] = [];
  const long = {
    retry: { attempts: 2, firstSeconds: 1, longestSeconds: 3600 },
    note: (line: string) => {
      notes.push(line);
      stop.abort();
    },
    signal: stop.signal,
  };
  const attempt = () => Promise.reject(new PassingFailure('busy', { retryAfterSeconds: 1000 }));
  await t.throwsAsync(withRetries('it', long, attempt), { name: 'AbortError' });
  t.regex(notes.join(), /^it: busy; trying again in 1\d\d\d s$/);
});
