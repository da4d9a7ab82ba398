import test from 'ava';
import { isCommit, parseHubReference } from '../../src/hub/reference.js';

test('owner/name and owner/name@revision are references', (t) => {
  const parsed = (text: string) => parseHubReference(text);
  t.deepEqual(parsed('Qwen/Qwen3-4B-Instruct-2507'), {
    repository: 'Qwen/Qwen3-4B-Instruct-2507',
    revision: null,
  });
  t.deepEqual(parsed('google/gemma-3-4b-it@main'), { repository: 'google/gemma-3-4b-it', revision: 'main' });
  t.deepEqual(parsed('a/b@refs/pr/1'), { repository: 'a/b', revision: 'refs/pr/1' });
  t.deepEqual(parsed('a/b@v1.0-step_3+x'), { repository: 'a/b', revision: 'v1.0-step_3+x' });
});

test('paths, and names and revisions that the hub does not allow, are none', (t) => {
  const names = [
    'model',
    './a/b',
    '../b',
    'a/..',
    '/a/b',
    'a/b/c',
    'a/',
    '/b',
    'a//b',
    'a/b.',
    '.a/b',
    '-a/b',
    'a/b--c',
  ];
  const revisions = [
    '',
    '..',
    'a/../b',
    '/a',
    'a/',
    '-x',
    'a b',
    'a\n',
    'a?b',
    'a\\b',
    'a:b',
    '~',
    'a..b',
    'x@{1}',
  ];
  for (const text of [...names, 'a b/c', `a/${'x'.repeat(97)}`, 'C:/models'])
    t.is(parseHubReference(text), null, text);
  for (const revision of revisions) t.is(parseHubReference(`a/b@${revision}`), null, revision);
});

test('a commit is 40 hexadecimal digits', (t) => {
  t.true(isCommit('0123456789abcdef0123456789abcdef01234567'));
  for (const text of ['main', '0123456', 'G'.repeat(40), `${'a'.repeat(40)}\n`]) t.false(isCommit(text));
});
