import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import {
  commitStage,
  discardStage,
  openStage,
  type StagedKind,
  sweepStages,
} from '../../src/output/staged-folder.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const kind: StagedKind = { record: 'record.json', ownName: /^[ab]\.bin$/, what: 'a sample' };
const kept = { option: '--out', isReplaced: false };
const replaced = { option: '--out', isReplaced: true };

/** Makes a finished folder of which all files hold `text`. */
function make(folder: string, text: string, wish = kept): void {
  const stage = openStage(folder, kind, wish);
  for (const name of ['a.bin', 'record.json']) writeFileSync(path.join(stage, name), text);
  commitStage(folder, kind);
}

const textOf = (folder: string) => readFileSync(path.join(folder, 'record.json'), 'utf8');

test('a folder appears whole, and is replaced only where that is asked for', (t) => {
  const scratch = scratchDirectory(t);
  const folder = path.join(scratch, 'out');
  make(folder, 'first');
  t.throws(() => openStage(folder, kind, kept), {
    instanceOf: InputError,
    message: /is there already.*--out/,
  });
  make(folder, 'second', replaced);
  t.is(textOf(folder), 'second');
  t.deepEqual(readdirSync(scratch), ['out']);
});

test('a folder that is empty is taken, and one in which something else lies is not', (t) => {
  const folder = path.join(scratchDirectory(t), 'out');
  mkdirSync(folder);
  make(folder, 'first');
  t.is(textOf(folder), 'first');
  writeFileSync(path.join(folder, 'notes.txt'), 'mine');
  t.throws(() => openStage(folder, kind, replaced), { message: /holds notes.txt, which is not of a sample/ });
  t.true(existsSync(path.join(folder, 'notes.txt')));
});

test('what a kill left of a replacement is removed, and the folder that was to be replaced stays', (t) => {
  const scratch = scratchDirectory(t);
  const folder = path.join(scratch, 'out');
  make(folder, 'first');
  writeFileSync(path.join(openStage(folder, kind, replaced), 'a.bin'), 'half');
  // Killed here; called again.
  openStage(folder, kind, replaced);
  t.is(textOf(folder), 'first');
  discardStage(folder, kind);
  t.deepEqual(readdirSync(scratch), ['out']);
});

test('a folder that a kill left moved aside is put back', (t) => {
  const scratch = scratchDirectory(t);
  const folder = path.join(scratch, 'out');
  make(folder, 'first');
  renameSync(folder, path.join(scratch, '.out.former.partial'));
  t.throws(() => openStage(folder, kind, kept), { message: /is there already/ });
  t.is(textOf(folder), 'first');
  t.deepEqual(readdirSync(scratch), ['out']);
});

test('stages that kills left among other folders are swept, and what they left moved aside is put back', (t) => {
  const scratch = scratchDirectory(t);
  for (const name of ['one', '.one.former.partial', '.two.former.partial'])
    make(path.join(scratch, name), name);
  openStage(path.join(scratch, 'three'), kind, kept);
  // Of neither is it known to be of a folder that was finished.
  mkdirSync(path.join(scratch, '.empty.former.partial'));
  writeFileSync(path.join(openStage(path.join(scratch, 'strange.former'), kind, kept), 'notes.txt'), 'mine');
  sweepStages(scratch, kind);
  t.deepEqual(readdirSync(scratch).sort(), ['.strange.former.partial', 'one', 'two']);
  t.is(textOf(path.join(scratch, 'one')), 'one');
  t.is(textOf(path.join(scratch, 'two')), '.two.former.partial');
});

test('of a replacement that a kill has cut off at its end the new folder stays, and the former one goes', (t) => {
  const scratch = scratchDirectory(t);
  const folder = path.join(scratch, 'out');
  make(path.join(scratch, '.out.former.partial'), 'first');
  make(folder, 'second', replaced);
  t.is(textOf(folder), 'second');
  t.deepEqual(readdirSync(scratch), ['out']);
});
