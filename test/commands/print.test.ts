import test from 'ava';
import { withOutput } from '../../src/commands/print.js';

test('however many commands print, stdout is watched once', async (t) => {
  await withOutput(async () => {});
  const listeners = process.stdout.listenerCount('error');
  for (let k = 0; k < 20; k++) await withOutput(async () => {});
  t.is(process.stdout.listenerCount('error'), listeners);
});
