import test from 'ava';
import { EigenshardError, InputError, RunError } from '../../src/errors.js';
import { withCleanUp, withCleanUpSync } from '../../src/files/clean-up.js';

const fail = (error: unknown) => () => {
  throw error;
};

test('a failure of the work is not hidden by one of the cleaning up, which is told behind it', async (t) => {
  const work = async () => {
    throw new InputError('the file is damaged');
  };
  const error = await t.throwsAsync(withCleanUp(work, fail(new RunError('the lock is lost'))), {
    instanceOf: InputError,
  });
  t.is(error.message, 'the file is damaged\nthe lock is lost');
  const bug = new TypeError('bug');
  t.is(
    t.throws(() => withCleanUpSync(fail(bug), fail(new RunError('the lock is lost')))),
    bug,
  );
});

test('what went well ends well, or with the failure of the cleaning up alone', async (t) => {
  let cleaned = 0;
  const cleanUp = () => void cleaned++;
  t.is(await withCleanUp(async () => 1, cleanUp), 1);
  t.is(
    withCleanUpSync(() => 2, cleanUp),
    2,
  );
  t.throws(() => withCleanUpSync(fail(new RunError('first')), cleanUp), { message: 'first' });
  t.is(cleaned, 3);
  await t.throwsAsync(
    withCleanUp(async () => 1, fail(new RunError('last'))),
    {
      instanceOf: EigenshardError,
      message: 'last',
    },
  );
});
