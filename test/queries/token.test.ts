import test from 'ava';
import { tokenText } from '../../src/commands/token-text.js';
import { InputError } from '../../src/errors.js';
import { openRun } from '../../src/output/open-run.js';
import { tokenFacts } from '../../src/queries/token.js';
import { answer } from '../helpers/answers.js';
import { vectorRun } from '../helpers/projected-vectors.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { readTables } from '../helpers/tables.js';

test('a token has the figures of its row, and its places among all norms', async (t) => {
  const { directory } = await runWithTables(t);
  const run = await openRun(directory);
  const { tokens } = await readTables(directory);
  for (const id of [0, 57, 290, 299]) {
    const [found, ...others] = await tokenFacts(run, id);
    t.is(others.length, 0);
    const row = tokens[id]!;
    for (const name of [
      'text',
      'is_orphan',
      'is_special',
      'centred_norm',
      'distortion',
      'participation',
    ] as const)
      t.is(found![name], row[name] as never, name);
    for (const name of ['norm', 'causal_norm'] as const) {
      const value = row[name] as number;
      const smaller = tokens.filter((other) => (other[name] as number) < value).length;
      const equal = tokens.filter((other) => other[name] === value).length;
      t.deepEqual(found![name], { value, smaller, quantile: (smaller + equal / 2) / 300 });
    }
    t.is(found!.directions.length, 8);
    t.deepEqual(found!.directions[1], { eigenvector: row.direction_2, z: row.direction_2_z } as never);
    t.is(found!.spelling, null);
    const twins = tokens.filter(
      (other) => other.duplicate_group !== null && other.duplicate_group === row.duplicate_group,
    );
    t.deepEqual(
      found!.duplicates,
      twins.map((other) => other.token_id as number).filter((other) => other !== id),
    );
    t.is(found!.duplicates.length, id >= 290 ? 9 : 0);
  }
});

test('a text is found as given, with and without its leading space, and as a vocabulary writes it', async (t) => {
  const { directory } = await runWithTables(t);
  const run = await openRun(directory);
  const spelt = async (text: string) =>
    (await tokenFacts(run, text)).map(({ token_id, spelling }) => [token_id, spelling]);
  t.deepEqual(await spelt(' word20'), [[20, 'as given']]);
  t.deepEqual(await spelt('word20'), [[20, 'with a leading space']]);
  t.deepEqual(await spelt('the'), [[4, 'with a leading space']]);
  t.deepEqual(await spelt(' The'), [[9, 'without the leading space']]);
  t.deepEqual(await spelt('国\n'), [[5, 'as given']]);
  t.deepEqual(await spelt('Ġthe'), [[4, 'as stored']]);
  t.deepEqual(await spelt('▁word20'), [[20, 'as stored']]);
  const error = await t.throwsAsync(tokenFacts(run, 'ORD1'), { instanceOf: InputError });
  t.regex(error.message, /no token spells "ORD1"; 110 tokens hold it: " word10", " word11", .*, \.\.\.$/);
  await t.throwsAsync(tokenFacts(run, 'never'), {
    message: /no token spells "never"; give the text of one token/,
  });
  await t.throwsAsync(tokenFacts(run, ''), { message: /no token spells ""/ });
  for (const asked of [300, -1, 0.5, null])
    await t.throwsAsync(tokenFacts(run, asked as number), {
      instanceOf: InputError,
      message: /has no token .*; its ids are 0 to 299/,
    });
});

test('a token of bytes is found by the character that they are', async (t) => {
  const { directory } = await vectorRun(t);
  const [found, ...others] = await tokenFacts(await openRun(directory), '国');
  t.deepEqual([found!.token_id, found!.spelling, others.length], [394, 'as bytes', 0]);
});

test('the command prints a block a token, or JSON; texts cannot act on a terminal', async (t) => {
  const { directory } = await runWithTables(t);
  const shown = await answer('token', directory, '291');
  t.is(shown.code, 0, shown.stderr);
  t.regex(
    shown.stdout,
    /^token 291 \(an orphan: no token has this row\)\n {2}norm .*larger than \d+ others \(quantile/,
  );
  t.regex(shown.stdout, /rows with the same bits +290, 292, 293/);
  const json = await answer('token', directory, 'word20', '--json');
  t.deepEqual(
    JSON.parse(json.stdout).map(({ token_id }: { token_id: number }) => token_id),
    [20],
  );
  const digits = await answer('token', directory, '20', '--text');
  t.is(digits.code, 2);
  t.regex(digits.stderr, /no token spells "20"; \d+ tokens hold it/);
  const [harmful] = await tokenFacts(await openRun(directory), 2);
  t.true(tokenText(harmful!).startsWith('token 2 "\\u{1b}[31mred"'));
});
