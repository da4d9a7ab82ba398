import { readFileSync } from 'node:fs';
import test from 'ava';
import { EigenshardError, InputError } from '../../src/errors.js';
import { explained, failureMessage } from '../../src/files/failure-message.js';

const caught = (action: () => unknown): unknown => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

test('what nobody foresaw is one line that says whose fault it is, and the stack only for who asks', (t) => {
  const fault = caught(() => (undefined as never as { a: unknown }).a) as Error;
  const message = failureMessage(fault, {});
  t.is(
    message,
    `unexpected: TypeError: ${fault.message}; this is a fault of eigenshard: set EIGENSHARD_DEBUG=1 for the stack`,
  );
  const [line, ...stack] = failureMessage(fault, { EIGENSHARD_DEBUG: '1' }).split('\n');
  t.regex(line!, /^unexpected: TypeError: .*; this is a fault of eigenshard$/);
  t.true(stack.some((frame) => /^\s+at .*failure-message\.test/.test(frame)));
});

test('whatever is thrown has a message, on one line and not a long one', (t) => {
  for (const thrown of [
    undefined,
    'text',
    { toString: 1 },
    new Error('x'.repeat(1e6)),
    new RangeError('a\n\n  b'),
  ]) {
    const message = failureMessage(thrown, {});
    t.true(message.startsWith('unexpected: '));
    t.true(message.length < 700);
    t.false(message.includes('\n'));
  }
});

test('a failure with a name is its own message', (t) => {
  t.is(failureMessage(new InputError('a: is wrong; mend it'), {}), 'a: is wrong; mend it');
});

test('a refusal of the system that nobody explained has a path and advice all the same', (t) => {
  const failure = explained(caught(() => readFileSync('/no/such/file')));
  t.true(failure instanceof EigenshardError);
  t.is(
    (failure as Error).message,
    '/no/such/file: cannot read it: there is no such file or directory; check the path (ENOENT)',
  );
  const unusual = Object.assign(new Error("EDEADLK: resource deadlock would occur, rename 'a' -> 'b'"), {
    code: 'EDEADLK',
    syscall: 'rename',
    path: 'a',
  });
  t.is(
    failureMessage(unusual, {}),
    'a: cannot write: resource deadlock would occur: check the disk, or choose another path (EDEADLK)',
  );
});

test('a refusal of the network is none of a file', (t) => {
  const refused = Object.assign(new Error('connect ETIMEDOUT 10.0.0.1:443'), {
    code: 'ETIMEDOUT',
    syscall: 'connect',
    address: '10.0.0.1',
  });
  t.is(explained(refused), refused);
});

test('a working directory that was removed is called so', (t) => {
  const lost = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), {
    code: 'ENOENT',
    syscall: 'uv_cwd',
  });
  t.regex(failureMessage(lost, {}), /^the working directory was removed: change to one that exists \(cd\)/);
});
