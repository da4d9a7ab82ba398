import test from 'ava';
import {
  EigenshardError,
  exitCodeOf,
  fromPlainError,
  InputError,
  PassingError,
  RunError,
  TerminatedError,
  toPlainError,
  VerificationError,
} from '../src/errors.js';
import { afterCleanUp } from '../src/files/clean-up.js';
import { asInputError } from '../src/files/read-error.js';
import { asOutputError } from '../src/files/write-error.js';

const refusal = (code: string) => Object.assign(new Error(`${code}: system text`), { code });

test('the exit code tells what passes from what stays, and Ctrl-C from SIGTERM', (t) => {
  const codes = [
    [new RunError('the solver did not converge'), 1],
    [new InputError('no such file'), 2],
    [new VerificationError('not orthogonal'), 3],
    [new PassingError('disk full'), 75],
    [new EigenshardError('worker-died', 'out of memory'), 75],
    [new EigenshardError('interrupted', 'interrupted'), 130],
    [new TerminatedError(), 143],
  ] as const;
  for (const [error, code] of codes) t.is(exitCodeOf(error), code, error.message);
});

test('what the system refuses passes where the machine has to change, not the path', (t) => {
  const codeOf = (error: unknown) => exitCodeOf(error as EigenshardError);
  for (const code of [
    'ENOSPC',
    'EDQUOT',
    'EIO',
    'EMFILE',
    'ENFILE',
    'ENOMEM',
    'EBUSY',
    'ESTALE',
    'ETIMEDOUT',
  ])
    t.is(codeOf(asOutputError(refusal(code), 'part')), 75, code);
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'ESTALE', 'ETIMEDOUT', 'EHOSTDOWN'])
    t.is(codeOf(asInputError(refusal(code), 'part', 'a part')), 75, code);
  for (const code of ['EACCES', 'EROFS', 'ENOENT', 'EEXIST', 'EXDEV'])
    t.is(codeOf(asOutputError(refusal(code), 'part')), 2, code);
  for (const code of ['ENOENT', 'EACCES', 'EISDIR', 'EIO'])
    t.is(codeOf(asInputError(refusal(code), 'part', 'a part')), 2, code);
  t.is(codeOf(asOutputError(refusal('EFBIG'), 'part')), 1);
});

test('that a failure passes is kept across threads, and where cleaning up fails too', (t) => {
  for (const error of [new PassingError('disk full'), new RunError('no convergence')]) {
    const { isPassing } = error;
    t.like(fromPlainError(structuredClone(toPlainError(error))), { isPassing, kind: 'run' });
    const both = afterCleanUp(error, () => {
      throw new Error('nor can it be removed');
    });
    t.like(both, { isPassing, message: `${error.message}\nnor can it be removed` });
  }
});
