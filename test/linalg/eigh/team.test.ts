import test from 'ava';
import { RunError } from '../../../src/errors.js';
import { Team } from '../../../src/linalg/eigh/team.js';
import { kernelVariant } from '../../../src/linalg/kernels/eigh-kernels.js';

test('abandoning ends threads that wait in the middle of a decomposition', async (t) => {
  const team = Team.start(200, 4, kernelVariant());
  await team.release();
  const failure = new RunError('the main thread failed');
  t.is(await team.abandon(failure), failure);
});

test('abandoning ends threads that are still loading', async (t) => {
  const team = Team.start(200, 2, kernelVariant());
  const failure = new RunError('the main thread failed');
  t.is(await team.abandon(failure), failure);
});

test('a thread that cannot load its kernels is reported, not waited for', async (t) => {
  const team = Team.start(200, 2, 'missing' as never);
  const error = await t.throwsAsync(team.release(), { message: /no such file/ });
  t.is(await team.abandon(error), error);
});
