import test from 'ava';
import {
  type EigenshardError,
  errorOfKind,
  fromPlainError,
  InputError,
  toPlainError,
} from '../src/errors.js';

test('a line of a message is as long as it must be to say what is wrong and what to do, whatever names are in it', (t) => {
  const name = 'x'.repeat(5e6);
  const message = `/a/b: tensor ${name}: is none; name another one\n  second line`;
  const error = new InputError(message);
  t.is(error.kind, 'input');
  t.regex(
    error.message,
    /^\/a\/b: tensor x+ \[\.\.\. \d+ characters \.\.\.\] x+: is none; name another one\n {2}second line$/,
  );
  t.true(error.message.length < 6100);
  t.is((fromPlainError(toPlainError(error)) as EigenshardError).message, error.message);
  const lines = Array.from({ length: 5000 }, (_, k) => `line ${k}`).join('\n');
  t.is(errorOfKind('verification', lines).message, lines);
  const path = `/${'p'.repeat(4096)}: cannot read: there is no such file`;
  t.is(new InputError(path).message, path);
});
