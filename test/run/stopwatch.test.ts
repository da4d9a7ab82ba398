import test from 'ava';
import { EigenshardError, RunError } from '../../src/errors.js';
import { eventProgress, type ProgressEvent } from '../../src/run/progress.js';
import { Stopwatch } from '../../src/run/stopwatch.js';

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
