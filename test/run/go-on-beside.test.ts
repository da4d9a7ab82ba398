import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { goOnBeside } from '../../src/run/go-on-beside.js';

/** Work that takes some turns of the event loop, and what of it is over. */
function begun(failure?: Error) {
  const state = { isOver: false };
  const ended = pause(20).then(() => {
    state.isOver = true;
    if (failure !== undefined) throw failure;
    return 'other';
  });
  return { state, ended };
}

test('work has its result when both are over, whether it needs the other or not', async (t) => {
  for (const needsIt of [true, false]) {
    const { state, ended } = begun();
    t.is(await goOnBeside(ended, async () => (needsIt ? await ended : 'work')), needsIt ? 'other' : 'work');
    t.true(state.isOver);
  }
});

test('a failure of the other is told where it is awaited, however long after', async (t) => {
  const unseen: unknown[] = [];
  const see = (reason: unknown) => unseen.push(reason);
  process.on('unhandledRejection', see);
  t.teardown(() => process.off('unhandledRejection', see));
  const { ended } = begun(new Error('full'));
  const work = async () => {
    await pause(60);
    return ended;
  };
  await t.throwsAsync(goOnBeside(ended, work), { message: 'full' });
  t.deepEqual(unseen, []);
});

test('work that fails waits for the other, and its own failure is the one that is told', async (t) => {
  for (const other of [begun(), begun(new Error('later'))]) {
    const failing = goOnBeside(other.ended, async () => {
      throw new Error('first');
    });
    await t.throwsAsync(failing, { message: 'first' });
    t.true(other.state.isOver);
  }
});
