import test from 'ava';
import { InputError } from '../../src/errors.js';
import { asInputError } from '../../src/files/read-error.js';

test('what the system says about a file becomes an InputError that keeps the cause', (t) => {
  const cause = Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR' });
  const error = asInputError(cause, 'weights', 'the checkpoint') as InputError;
  t.true(error instanceof InputError);
  t.is(error.cause, cause);
  t.regex(error.message, /^weights: cannot read the checkpoint: it is a directory; give .* \(EISDIR\)$/);
});

test('every other error comes back as it is', (t) => {
  for (const error of [new InputError('mine'), new TypeError('bug'), 'text', undefined]) {
    t.is(asInputError(error, 'weights', 'the checkpoint'), error);
  }
});
