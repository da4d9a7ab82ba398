import test from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import { asOutputError } from '../../src/files/write-error.js';

const failure = (code: string) => Object.assign(new Error(`${code}: system text`), { code });

test('a full disk is a failure of the run that says how to go on', (t) => {
  for (const [code, text] of [
    ['ENOSPC', /runs\/a\.parquet.*disk full: free space, and run the same command again/],
    ['EDQUOT', /runs\/a\.parquet.*quota.*free space, and run the same command again/],
  ] as const) {
    const cause = failure(code);
    const error = asOutputError(cause, 'runs/a.parquet');
    t.true(error instanceof RunError);
    t.regex((error as RunError).message, text);
    t.is((error as RunError).cause, cause);
  }
});

test('a place that cannot be written is a wrong argument', (t) => {
  for (const code of [
    'EACCES',
    'EPERM',
    'EROFS',
    'ENOENT',
    'ENOTDIR',
    'EISDIR',
    'ELOOP',
    'EEXIST',
    'EXDEV',
  ]) {
    const error = asOutputError(failure(code), 'runs/a.parquet');
    t.true(error instanceof InputError);
    t.regex((error as InputError).message, /runs\/a\.parquet: cannot write: .*choose another path/);
  }
});

test('an error of another kind stays what it is', (t) => {
  for (const error of [new RangeError('x'), failure('EBADF'), new InputError('x'), 'x', undefined]) {
    t.is(asOutputError(error, 'runs/a.parquet'), error);
  }
});
