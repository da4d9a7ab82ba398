import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { makeDirectory } from '../../src/files/make-directory.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { refuseCalls } from '../helpers/refused-calls.js';

test('directories are made as far as they are missing, and the uppermost of them is named', (t) => {
  const directory = scratchDirectory(t);
  const whole = path.join(directory, 'a', 'b', 'c');
  t.is(makeDirectory(whole), path.join(directory, 'a'));
  t.true(existsSync(whole));
  t.is(makeDirectory(whole), undefined);
  t.is(makeDirectory(path.join(whole, '..', 'd')), path.join(directory, 'a', 'b', 'd'));
});

test('a directory behind a symbolic link is taken, and a link that leads nowhere is refused', (t) => {
  const directory = scratchDirectory(t);
  mkdirSync(path.join(directory, 'real'));
  symlinkSync('real', path.join(directory, 'link'));
  t.is(makeDirectory(path.join(directory, 'link', 'a')), path.join(directory, 'link', 'a'));
  t.true(existsSync(path.join(directory, 'real', 'a')));
  symlinkSync('nowhere', path.join(directory, 'dangling'));
  t.throws(() => makeDirectory(path.join(directory, 'dangling')), {
    instanceOf: InputError,
    message: /dangling: cannot write: something else stands there already/,
  });
});

test('a file in the place of the directory, or above it, is told', (t) => {
  const file = scratchFile(t, 'file', '');
  t.throws(() => makeDirectory(file, 'runs/x'), {
    instanceOf: InputError,
    message: /^runs\/x: cannot write: something else stands there already: .* \(EEXIST\)$/,
  });
  t.throws(() => makeDirectory(path.join(file, 'a', 'b')), {
    instanceOf: InputError,
    message: /a\/b: cannot write: a part of the path is a file, not a directory: .* \(ENOTDIR\)$/,
  });
});

test('a place in which no directory can be made, as /proc, ends in an error, and not never', (t) => {
  const directory = scratchDirectory(t);
  const refused = refuseCalls({ calls: ['mkdirSync'], code: 'ENOENT', path: directory });
  t.teardown(refused.end);
  for (const below of ['x', 'x/y/z']) {
    t.throws(() => makeDirectory(path.join(directory, below)), {
      instanceOf: InputError,
      message: `${directory}/${below}: cannot write: no directory can be made in ${directory}: choose another path (ENOENT)`,
    });
  }
});
