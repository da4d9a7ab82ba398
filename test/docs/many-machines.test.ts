import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { createProgram, parseCommandLine } from '../../src/cli.js';
import { documentNamed, root } from '../helpers/documents.js';

const { text } = documentNamed('docs/many-machines.md');

test('the table of docs/many-machines.md has every variable that tells a share, and no other', (t) => {
  const source = readFileSync(path.join(root, 'src/executor/array-index.ts'), 'utf8');
  const known = new Set([...source.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, name]) => name!));
  t.true(known.size > 15, [...known].join(', '));
  const [table = ''] = /^\| scheduler [\s\S]*?\n\n/m.exec(text) ?? [];
  const named = new Set([...table.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name!));
  // Where an index begins, and by which steps it goes on, the table says by the ends of the names.
  const ends = [...table.matchAll(/`(_[A-Z]+)`/g)].map(([, end]) => end!);
  const missing = [...known].filter((name) => !named.has(name) && !ends.some((end) => name.endsWith(end)));
  t.deepEqual(missing, []);
  t.deepEqual(
    [...named].filter((name) => !known.has(name)),
    [],
  );
});

test('the commands that manifests of docs/many-machines.md give as lists are understood', async (t) => {
  // Within a word of a shell, the quotes of a list have backslashes.
  const plain = text.replaceAll('\\"', '"');
  const lists = [...plain.matchAll(/\["(?:batch|step)", .*?\]/g)].map(
    ([list]) => JSON.parse(list) as string[],
  );
  t.is(lists.length, 4);
  for (const args of lists) {
    const program = await createProgram();
    for (const command of program.commands) if (command.commands.length === 0) command.action(() => {});
    await t.notThrowsAsync(parseCommandLine(program, args), args.join(' '));
  }
});

test('the Job of docs/many-machines.md says how many pods there are in three places alike', (t) => {
  const [, job = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  const counts = [/completions: (\d+)/, /parallelism: (\d+)/, /"--of", "(\d+)"/].map(
    (count) => count.exec(job)?.[1],
  );
  t.deepEqual(counts, ['10', '10', '10']);
});
