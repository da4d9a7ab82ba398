import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readRunRecord, recordFile, writeRunRecord } from '../../src/batch/run-record.js';
import { InputError } from '../../src/errors.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const record = { name: 'owner/model', folder: 'owner--model@0123-ab12', problem: null };

test('a record is read as it was written, and only one that says something else is written again', (t) => {
  const directory = scratchDirectory(t);
  t.is(readRunRecord(directory, 'aa'), null);
  writeRunRecord(directory, 'aa', record);
  t.deepEqual(readRunRecord(directory, 'aa'), record);
  const { ino } = statSync(recordFile(directory, 'aa'));
  writeRunRecord(directory, 'aa', { ...record });
  t.is(statSync(recordFile(directory, 'aa')).ino, ino);
  const failed = { name: 'model', folder: null, problem: 'a: weights\nare not finite' };
  writeRunRecord(directory, 'aa', failed);
  t.deepEqual(readRunRecord(directory, 'aa'), failed);
  t.deepEqual(readdirSync(path.dirname(recordFile(directory, 'aa'))), ['aa.json']);
});

test('a record that is damaged, or names a folder elsewhere, is none', (t) => {
  const directory = scratchDirectory(t);
  writeRunRecord(directory, 'other', record);
  const folders = ['..', '../elsewhere', '/etc', 'a/b', 'a\\b', '.hidden', '', 7, undefined];
  const texts = folders.map((folder) => JSON.stringify({ ...record, folder }));
  for (const text of [
    ...texts,
    '',
    '{',
    '[]',
    'null',
    '{"name":"a"}',
    '{"name":1,"folder":null,"problem":null}',
  ]) {
    writeFileSync(recordFile(directory, 'aa'), text);
    t.is(readRunRecord(directory, 'aa'), null, text);
  }
  mkdirSync(recordFile(directory, 'folder'));
  t.is(readRunRecord(directory, 'folder'), null);
  symlinkSync('/dev/zero', recordFile(directory, 'device'));
  t.is(readRunRecord(directory, 'device'), null);
});

test('a record is not written through a link that leads out of the folder of the batch', (t) => {
  const [directory, elsewhere] = [scratchDirectory(t), scratchDirectory(t)];
  symlinkSync(elsewhere, path.dirname(recordFile(directory, 'aa')));
  t.throws(() => writeRunRecord(directory, 'aa', record), {
    instanceOf: InputError,
    message: /a symbolic link leads to/,
  });
  t.deepEqual(readdirSync(elsewhere), []);
});
