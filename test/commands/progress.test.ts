import { Writable } from 'node:stream';
import test from 'ava';
import { createProgress, showProgress } from '../../src/commands/progress.js';
import type { ProgressEvent, StageState } from '../../src/run/progress.js';

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
  t.true(stage.end('finished') >= 0);
  t.regex(text(), line('scan', ', 1,500 rows, \\S+ rows/s'));
});

test('a stage without rows has its seconds alone, on a terminal too', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    const stage = createProgress(stream, false).stage('eigenbasis');
    stage.advance(3);
    stage.end('finished');
    t.regex(text(), line('eigenbasis'));
  }
});

test('on a terminal a bar gives way to one line', (t) => {
  const { stream, text } = screen(true);
  const stage = createProgress(stream, false).stage('projection', 20);
  for (let row = 0; row < 20; row++) stage.advance(1);
  stage.end('finished');
  t.regex(text().split('\n').at(-2)!, /projection: \d+\.\d\d s, 20 rows, \S+ rows\/s$/);
});

test('a stage of bytes shows them in their units, on a terminal too', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    const stage = createProgress(stream, false).stage('download', 778_000_000, 'bytes');
    stage.advance(778_000_000);
    stage.end('finished');
    t.regex(text().split('\n').at(-2)!, /download: \d+\.\d\d s, 778\.00 MB, \d+\.\d\d [TGM]B\/s$/);
  }
});

test('a stage of no rows, as when all partitions are done already, ends like any other', (t) => {
  for (const isTTY of [false, true]) {
    const { stream, text } = screen(isTTY);
    createProgress(stream, false).stage('projection', 0).end('finished');
    t.regex(text(), /projection: \d+\.\d\d s, 0 rows, 0 rows\/s\n$/);
  }
});

/** What is shown of a stage of which these are the events, with what they change. */
function shownOf(
  isTTY: boolean,
  events: [ProgressEvent['event'], Partial<StageState>][],
  shortest = 0,
): string {
  const { stream, text } = screen(isTTY);
  const show = showProgress(stream, false, shortest);
  let stage: StageState = { name: 'covariance', done: 0, total: 151_936, unit: 'rows', seconds: 0 };
  for (const [event, change] of events) {
    stage = { ...stage, ...change };
    show({ event, stage } as ProgressEvent);
  }
  return text();
}

test('lines come every five seconds, with a rate and the time left as soon as there is a measure of them', (t) => {
  const text = shownOf(false, [
    ['begun', {}],
    ['advanced', { done: 512, seconds: 4.9 }],
    ['advanced', { done: 0, seconds: 5 }],
    ['advanced', { done: 37_984, seconds: 9.9 }],
    ['advanced', { done: 37_984, seconds: 10 }],
    ['finished', { done: 151_936, seconds: 40 }],
  ]);
  t.deepEqual(text.split('\n'), [
    'covariance: 0 of 151,936 rows (0 %)',
    'covariance: 37,984 of 151,936 rows (25 %), 3,798 rows/s, 30 s left',
    'covariance: 40.00 s, 151,936 rows, 3,798 rows/s',
    '',
  ]);
});

test('a bar shows neither a rate nor a time left before the first measure, and no time at its end', (t) => {
  const text = shownOf(true, [
    ['begun', {}],
    ['interrupted', { seconds: 13 }],
  ]);
  t.regex(text, /covariance ░+ 0 % \| 0 of 151,936 rows/);
  t.notRegex(text, /\/s|left/);
  const later = shownOf(true, [
    ['begun', { name: 'download', total: 2000, unit: 'bytes' }],
    ['advanced', { done: 500, seconds: 2 }],
    ['finished', { done: 2000, seconds: 4 }],
  ]);
  t.true(later.endsWith('download: 4.00 s, 2.00 kB, 500 B/s\n'));
});

test('a stage that did not come to its end is called so, with the rows that are really done', (t) => {
  for (const isTTY of [false, true]) {
    const ended = (event: 'interrupted' | 'failed', change: Partial<StageState>) =>
      shownOf(
        isTTY,
        [
          ['begun', change],
          [event, { seconds: 23.756, ...change }],
        ],
        60,
      );
    const last = (text: string) => text.split('\n').at(-2)!;
    t.true(
      last(ended('interrupted', { done: 113_000 })).endsWith(
        'covariance: interrupted after 23.76 s, 113,000 of 151,936 rows',
      ),
    );
    t.true(
      last(ended('failed', { name: 'download', unit: 'bytes', done: 1500, total: 3_000_000 })).endsWith(
        'download: failed after 23.76 s, 1.50 kB of 3.00 MB',
      ),
    );
    t.is(last(ended('failed', { name: 'eigenbasis', total: null })), 'eigenbasis: failed after 23.76 s');
  }
});

test('a short stage leaves no line where none is wanted of it', (t) => {
  const events: Parameters<typeof shownOf>[1] = [
    ['begun', {}],
    ['finished', { done: 151_936, seconds: 0.9 }],
  ];
  t.is(shownOf(false, events, 1), '');
  t.is(shownOf(false, events, 0.5), 'covariance: 0.90 s, 151,936 rows, 168,818 rows/s\n');
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
    t.true(stage.end('finished') >= 0);
    progress.note('one');
    t.is(text(), '');
  }
});
