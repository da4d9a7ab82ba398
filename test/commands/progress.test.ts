import { Writable } from 'node:stream';
import test from 'ava';
import { createProgress } from '../../src/commands/progress.js';

/** A stream that keeps what is written; as a terminal it answers what a bar asks of one. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let written = '';
  const stream = new Writable({
    write: (chunk, _, done) => {
      written += String(chunk);
      done();
    },
  });
  Object.assign(stream, { isTTY, columns: 120, rows: 40 });
  return { stream: stream as NodeJS.WriteStream, text: () => written };
}

const line = (name: string, rest = '') => new RegExp(`^${name}: \\d+\\.\\d\\d s${rest}\\n$`);

test('without a terminal a short stage is one line, with its rows and their rate', (t) => {
  const { stream, text } = screen(false);
  const stage = createProgress(stream, false).stage('scan', 1500);
  stage.advance(1000);
  stage.advance(500);
  t.is(text(), '');
  t.true(stage.finish() >= 0);
  t.regex(text(), line('scan', ', 1,500 rows, \\S+ rows/s'));
});

test('a stage without rows has its seconds alone, on a terminal too', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    const stage = createProgress(stream, false).stage('eigenbasis');
    stage.advance(3);
    stage.finish();
    t.regex(text(), line('eigenbasis'));
  }
});

test('on a terminal a bar gives way to one line', (t) => {
  const { stream, text } = screen(true);
  const stage = createProgress(stream, false).stage('projection', 20);
  for (let row = 0; row < 20; row++) stage.advance(1);
  stage.finish();
  t.regex(text().split('\n').at(-2)!, /projection: \d+\.\d\d s, 20 rows, \S+ rows\/s$/);
});

test('a stage of bytes shows them in their units, on a terminal too', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    const stage = createProgress(stream, false).stage('download', 778_000_000, 'bytes');
    stage.advance(778_000_000);
    stage.finish();
    t.regex(text().split('\n').at(-2)!, /download: \d+\.\d\d s, 778\.00 MB, \d+\.\d\d [TGM]B\/s$/);
  }
});

test('a stage of no rows, as when all partitions are done already, ends like any other', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    createProgress(stream, false).stage('projection', 0).finish();
    t.regex(text(), /projection: \d+\.\d\d s, 0 rows, 0 rows\/s\n$/);
  }
});

test('a note is a line of its own', (t) => {
  const { stream, text } = screen(false);
  const progress = createProgress(stream, false);
  progress.note('one');
  progress.note('two');
  t.is(text(), 'one\ntwo\n');
});

test('quiet, nothing is written, and stages are timed all the same', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    const progress = createProgress(stream, true);
    const stage = progress.stage('scan', 10);
    stage.advance(10);
    t.true(stage.finish() >= 0);
    progress.note('one');
    t.is(text(), '');
  }
});
