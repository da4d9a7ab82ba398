import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import {
  JOURNAL_NAME,
  Journal,
  type JournalEntry,
  type JournalHeader,
  readJournal,
} from '../../src/output/journal.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { testUnless } from '../helpers/test-unless.js';

const header: JournalHeader = {
  step: 'run',
  fingerprint: 'f00d',
  started: '2024-05-06T07:08:09.000Z',
  exports: ['/elsewhere/γ.npy'],
  tables: ['tokens.parquet'],
  kernels: { backend: 'portable', library: 'a library', version: '1.0', float32: 'a library 1.0' },
};
const file = (path: string) => ({ path, bytes: 12, sha256: 'ab' });
const written = (path: string) => ({ path, bytes: 12, crc32: 5 });
const entries: JournalEntry[] = [
  { step: 'metric', file: file('metric.safetensors') },
  { step: 'eigenbasis', file: file('eigenbasis.safetensors') },
  {
    step: 'partition',
    index: 3,
    files: [written('projections/γ.parquet'), written('b.arrow')],
    crc32: 0xffffffff,
  },
  { step: 'partition', index: 0, files: [], crc32: null },
];

/** A new directory with a journal of all the entries. */
function journalDirectory(t: ExecutionContext): string {
  const directory = scratchDirectory(t);
  const journal = Journal.create(directory, header);
  for (const entry of entries) journal.append(entry);
  journal.close();
  return directory;
}

test('what was written is read back, in order', (t) => {
  t.deepEqual(readJournal(journalDirectory(t)), { header, entries });
});

test('a directory without a journal has none, and one with a journal gets no second', (t) => {
  const directory = scratchDirectory(t);
  t.is(readJournal(directory), null);
  Journal.create(directory, header).close();
  t.throws(() => Journal.create(directory, header), {
    instanceOf: InputError,
    message: /journal\.jsonl: cannot write: something else stands there already.*EEXIST/,
  });
  t.deepEqual(readJournal(directory), { header, entries: [] });
});

test('a last line that a kill tore at any byte is cut off, the rest is kept, and new lines follow it', (t) => {
  const directory = journalDirectory(t);
  const name = join(directory, JOURNAL_NAME);
  const whole = readFileSync(name);
  const extra: JournalEntry = { step: 'partition', index: 9, files: [], crc32: 1 };
  for (let cut = 0; cut <= whole.length; cut++) {
    const torn = whole.subarray(0, cut);
    writeFileSync(name, torn);
    const complete = torn.filter((byte) => byte === 0x0a).length;
    const kept = readJournal(directory);
    if (complete === 0) {
      t.is(kept, null);
      continue;
    }
    t.deepEqual(kept, { header, entries: entries.slice(0, complete - 1) });
    const journal = Journal.reopen(directory);
    journal.append(extra);
    journal.close();
    t.deepEqual(readJournal(directory), { header, entries: [...entries.slice(0, complete - 1), extra] });
  }
});

test('a line that is not of a journal is refused with its number', (t) => {
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  const foreign = [
    '',
    'no JSON',
    'null',
    '{"step":"unknown"}',
    '{"step":"metric"}',
    '{"step":"partition","index":-1,"files":[],"crc32":null}',
    '{"step":"partition","index":0,"files":[{"path":"a"}],"crc32":null}',
  ];
  for (const line of foreign) {
    for (const at of [0, 1, 4]) {
      const directory = scratchDirectory(t);
      const name = join(directory, JOURNAL_NAME);
      writeFileSync(name, `${lines.with(at, line).join('\n')}\n`);
      const error = t.throws(() => readJournal(directory), { instanceOf: InputError });
      t.true(error.message.startsWith(`${name}, line ${at + 1}: not a line of an eigenshard journal`));
    }
  }
});

test('an entry where the header should be, and a second header, are refused', (t) => {
  for (const lines of [
    [entries[0], entries[1]],
    [header, header],
  ]) {
    const directory = scratchDirectory(t);
    writeFileSync(join(directory, JOURNAL_NAME), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    t.throws(() => readJournal(directory), { instanceOf: InputError });
  }
});

const limitTest = testUnless(process.platform === 'win32' ? 'Windows has no ulimit' : null);

limitTest('a line that the disk takes only half of is an error, and the journal stays readable', (t) => {
  const directory = scratchDirectory(t);
  const module = new URL('../../src/output/journal.js', import.meta.url).href;
  const script = `
    import { Journal } from ${JSON.stringify(module)};
    const journal = Journal.create(${JSON.stringify(directory)}, ${JSON.stringify(header)});
    for (let index = 0; ; index++) {
      try {
        journal.append({ step: 'partition', index, files: [], crc32: null });
      } catch (error) {
        console.log(JSON.stringify({ index, kind: error.kind, message: error.message }));
        break;
      }
    }`;
  // One block of the limit is 512 or 1024 bytes, which no line fills exactly.
  const child = spawnSync('sh', [
    '-c',
    'ulimit -f 1; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ]);
  const { index, kind, message } = JSON.parse(child.stdout.toString());
  t.is(kind, 'run');
  t.true(message.startsWith(`${join(directory, JOURNAL_NAME)}: cannot write: `), message);
  t.true(index > 0);
  t.deepEqual(readJournal(directory), {
    header,
    entries: Array.from({ length: index }, (_, at) => ({
      step: 'partition',
      index: at,
      files: [],
      crc32: null,
    })),
  });
  t.is(readFileSync(join(directory, JOURNAL_NAME)).at(-1), 0x0a);
});
