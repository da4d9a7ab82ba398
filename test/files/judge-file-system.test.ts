import test from 'ava';
import { judgeFileSystem } from '../../src/files/judge-file-system.js';
import { type Ability, abilities, type FileSystemFindings } from '../../src/files/probe-file-system.js';

const works = Object.fromEntries(abilities.map((ability) => [ability, null])) as Record<Ability, null>;
const sound: FileSystemFindings = {
  directory: '/scratch/me',
  host: 'node-a',
  type: 'nfs',
  freeBytes: 1e12,
  problems: works,
  syncMilliseconds: 4,
  clockSeconds: -0.004,
};
const broken = (ability: Ability, problem: string): FileSystemFindings => ({
  ...sound,
  problems: { ...works, [ability]: problem },
});
const meeting = { other: 'node-b', medianSeconds: 0.004, longestSeconds: 0.02 };

test('where everything works, the file system serves, seen from a second machine too', (t) => {
  t.deepEqual(judgeFileSystem(sound, null), { verdict: 'serves', reasons: [] });
  t.is(judgeFileSystem(sound, meeting).verdict, 'serves');
});

test('hard links, which nothing of ours needs, are no limit', (t) => {
  t.is(judgeFileSystem(broken('hardLinks', 'ENOTSUP'), null).verdict, 'serves');
});

test('without what a run needs a file system does not serve, and the reason says what was seen and what to do', (t) => {
  for (const ability of ['folder', 'exclusiveCreation', 'renameOver', 'fileSync', 'lock'] as const) {
    const { verdict, reasons } = judgeFileSystem(broken(ability, 'EWHY'), null);
    t.is(verdict, 'does not serve', ability);
    t.is(reasons.length, 1);
    t.true(reasons[0]!.what.includes('EWHY'), reasons[0]!.what);
    t.regex(reasons[0]!.next, /choose another/);
  }
});

test('where no folder can be made, that is the one reason', (t) => {
  const problems = Object.fromEntries(abilities.map((ability) => [ability, 'not tried'])) as Record<
    Ability,
    string
  >;
  const { reasons } = judgeFileSystem({ ...sound, problems: { ...problems, folder: 'EROFS' } }, null);
  t.deepEqual(
    reasons.map(({ what }) => what),
    ['nothing can be written here (EROFS)'],
  );
});

test('what makes runs slower, or what they leave less lasting, is a limit', (t) => {
  for (const [findings, what] of [
    [broken('folderSync', 'EINVAL'), /folders cannot be synced \(EINVAL\)/],
    [{ ...sound, syncMilliseconds: 240 }, /takes 240 ms/],
    [{ ...sound, freeBytes: 0 }, /nothing is free/],
    [{ ...sound, clockSeconds: -90 }, /90 s apart/],
    [{ ...sound, type: 'tmpfs' }, /memory of this machine/],
    [{ ...sound, type: 'overlay' }, /layer of a container/],
  ] as const) {
    const { verdict, reasons } = judgeFileSystem(findings, null);
    t.is(verdict, 'serves with a limit');
    t.is(reasons.length, 1);
    t.regex(reasons[0]!.what, what);
  }
});

test('files that are seen late are a limit, and later than a lock may be silent they are worse', (t) => {
  const late = (longestSeconds: number) => judgeFileSystem(sound, { ...meeting, longestSeconds });
  t.is(late(9).verdict, 'serves');
  t.is(late(30).verdict, 'serves with a limit');
  t.regex(late(30).reasons[0]!.what, /^30 s pass until a new file of node-b is seen here$/);
  t.is(late(58).verdict, 'does not serve');
  t.regex(late(58).reasons[0]!.next, /mount with lookupcache=positive/);
});

test('a limit beside a fatal reason does not hide it', (t) => {
  const { verdict, reasons } = judgeFileSystem({ ...broken('lock', 'EWHY'), freeBytes: 0 }, null);
  t.is(verdict, 'does not serve');
  t.deepEqual(
    reasons.map(({ isFatal }) => isFatal),
    [true, false],
  );
});
