import test, { type ExecutionContext } from 'ava';
import { EigenshardError, RunError } from '../../src/errors.js';
import { eventProgress, type ProgressEvent, silentProgress } from '../../src/run/progress.js';
import { type Expense, Stopwatch, totalSeconds } from '../../src/run/stopwatch.js';

/** The events of one stage of 90 rows, without its seconds. */
async function eventsOf(work: (advance: (count: number) => void) => Promise<unknown>) {
  const events: ProgressEvent[] = [];
  const stopwatch = new Stopwatch(eventProgress((event) => events.push(event)));
  const outcome = await stopwatch.time('projection', 90, work).catch((error: unknown) => error);
  const told = events.map((event) => (event.event === 'note' ? [] : [event.event, event.stage.done]));
  return { outcome, told, seconds: stopwatch.report().seconds };
}

test('a stage ends as its work does: finished, interrupted or failed, each with what was done', async (t) => {
  const interrupted = new EigenshardError('interrupted', 'interrupted');
  const failed = new RunError('disk full');
  for (const [end, outcome] of [
    ['finished', 'result'],
    ['interrupted', interrupted],
    ['interrupted', AbortSignal.abort().reason],
    ['failed', failed],
    ['failed', new TypeError('a mistake')],
  ] as const) {
    const found = await eventsOf(async (advance) => {
      advance(60);
      advance(-20);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    });
    t.is(found.outcome, outcome);
    t.deepEqual(found.told, [
      ['begun', 0],
      ['advanced', 60],
      ['advanced', 40],
      [end, 40],
    ]);
    t.true(found.seconds.projection! >= 0);
  }
});

/** Asserts that the stages take up all the time: their seconds are summed in another order than the run's. */
function noSecondOutside(t: ExecutionContext, { seconds, elapsedSeconds }: Expense): void {
  t.true(
    Math.abs(totalSeconds(seconds) - elapsedSeconds) < 1e-9,
    `${JSON.stringify(seconds)}, ${elapsedSeconds}`,
  );
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

test('no time is outside a stage: each begins where the one before ended, the first with the process', async (t) => {
  const stopwatch = new Stopwatch(silentProgress, 0);
  const start = stopwatch.report();
  t.deepEqual(Object.keys(start.seconds), ['start-up']);
  noSecondOutside(t, start);
  t.true(start.seconds['start-up']! * 1000 <= performance.now());
  await pause();
  await stopwatch.time('scan', undefined, pause);
  await pause();
  const inside = await stopwatch.time('covariance', undefined, async () => {
    await pause();
    return stopwatch.report();
  });
  noSecondOutside(t, inside);
  await pause();
  await t.throwsAsync(stopwatch.time('scan', undefined, () => Promise.reject(new RunError('disk full'))));
  const committed = await stopwatch.time('commit', undefined, async () => stopwatch.report());
  noSecondOutside(t, committed);
  t.deepEqual(Object.keys(committed.seconds), ['start-up', 'scan', 'covariance', 'commit']);
  // A stage that goes on again, and the time before it, is added to its seconds.
  t.true(committed.seconds.scan! > inside.seconds.scan!);
  t.true(committed.seconds.covariance! >= inside.seconds.covariance!);
  t.is(committed.seconds['start-up'], inside.seconds['start-up']);
});

test('the time of two stages that go on beside each other counts once, for the one that began first', async (t) => {
  const stopwatch = new Stopwatch(silentProgress);
  let endProjection = () => {};
  const projection = stopwatch.time('projection', 9, () => new Promise<void>((end) => (endProjection = end)));
  const verification = await stopwatch.time('verification', 9, async () => {
    await pause();
    const beside = stopwatch.report();
    t.is(beside.seconds.verification, 0);
    noSecondOutside(t, beside);
    endProjection();
    await projection;
    await pause();
    return stopwatch.report();
  });
  noSecondOutside(t, verification);
  t.deepEqual(Object.keys(verification.seconds), ['start-up', 'projection', 'verification']);
  t.true(verification.seconds.verification! > 0);
});
