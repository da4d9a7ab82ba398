import test from 'ava';
import { Silence } from '../../src/files/silence.js';

test('silence is what was listened to without a beat, and a beat ends it', (t) => {
  const silence = new Silence();
  t.false(silence.hearsBeat('owner\n0', 5000));
  t.is(silence.seconds, 0);
  for (const now of [5500, 6000, 7000]) t.false(silence.hearsBeat('owner\n0', now));
  t.is(silence.seconds, 2);
  t.true(silence.hearsBeat('owner\n1', 7100));
  t.is(silence.seconds, 0);
});

test('another owner is no beat of the one before, and is listened to from the start', (t) => {
  const silence = new Silence();
  silence.hearsBeat('owner\n0', 0);
  silence.hearsBeat('owner\n0', 900);
  t.false(silence.hearsBeat('other\n7', 1000));
  t.is(silence.seconds, 0);
  t.true(silence.hearsBeat('other\n8', 1050));
});

test('a listener that was itself stopped has not listened meanwhile', (t) => {
  const silence = new Silence();
  silence.hearsBeat('owner\n0', 0);
  silence.hearsBeat('owner\n0', 3_600_000);
  t.is(silence.seconds, 1);
});

test('an empty file, left by a kill at the moment of its creation, is silent', (t) => {
  const silence = new Silence();
  t.false(silence.hearsBeat('', 0));
  t.false(silence.hearsBeat('', 800));
  t.is(silence.seconds, 0.8);
});
