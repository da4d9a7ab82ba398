import test from 'ava';
import { type Site, type StageCost, simulateBatch, simulateRun } from '../../benchmarks/scaling/simulate.js';

/** One process of one thread that shares nothing and costs nothing. */
const alone: Site = {
  processes: 1,
  threads: 1,
  processesPerMachine: 1,
  scheduler: 0,
  record: 0,
  storage: 1e9,
};

function stage(seconds: readonly number[], rest: Partial<StageCost> = {}): StageCost {
  const units = seconds.map((one) => ({ seconds: one, bytes: 0 }));
  return { name: 'stage', units, processBytes: 0, startUp: 0, crowding: 1, ...rest };
}

const equal = (units: number) => stage(Array.from({ length: units }, () => 2));
const secondsOf = (stages: readonly StageCost[], site: Partial<Site> = {}) =>
  simulateRun(stages, { ...alone, ...site }).seconds;

/** Rounding of a few sums. */
const isNear = (value: number, expected: number) => Math.abs(value - expected) <= 1e-12 * expected;

test('one thread takes the sum of all units', (t) => {
  const run = simulateRun([stage([1, 2, 3]), stage([4])], alone);
  t.is(run.seconds, 10);
  t.deepEqual(
    run.stages.map(({ seconds, busySeconds }) => [seconds, busySeconds]),
    [
      [6, 6],
      [4, 4],
    ],
  );
});

test('a process takes the units of its stride, and its threads the next of them as they come', (t) => {
  // Of [5, 1, 1, 1, 1, 1] process 0 has 5 + 1 + 1, process 1 has 1 + 1 + 1.
  t.is(secondsOf([stage([5, 1, 1, 1, 1, 1])], { processes: 2 }), 7);
  // Two threads: one has 5, the other all the rest.
  t.is(secondsOf([stage([5, 1, 1, 1, 1, 1])], { threads: 2 }), 5);
});

test('no process begins a stage before the last one has ended the stage before', (t) => {
  // Without barriers process 0 would take 3 + 1, process 1 would take 1 + 3.
  t.is(secondsOf([stage([3, 1]), stage([1, 3])], { processes: 2 }), 6);
});

test('a stage of one unit takes as long on any number of processes', (t) => {
  for (const processes of [1, 2, 100]) t.is(secondsOf([stage([7])], { processes }), 7);
});

test('more processes are never slower, and more than there are units not faster', (t) => {
  const costs = [equal(25), stage([3]), { ...equal(22), units: [{ seconds: 1, bytes: 5e8 }] }];
  const seconds = Array.from({ length: 40 }, (_, k) => secondsOf(costs, { processes: k + 1 }));
  for (let k = 1; k < seconds.length; k++) t.true(seconds[k]! <= seconds[k - 1]!, `${k + 1} processes`);
  t.is(seconds[24], seconds[39]);
  t.is(secondsOf([equal(25)], { processes: 24 }), 4);
  t.is(secondsOf([equal(25)], { processes: 25 }), 2);
});

test('processes of several threads on a machine are as fast as one process of all of them', (t) => {
  const crowded = [{ ...equal(24), crowding: 1.5 }];
  const one = secondsOf(crowded, { threads: 4 });
  t.true(isNear(one, 6 * 2 * 1.5));
  t.true(isNear(secondsOf(crowded, { processes: 4, processesPerMachine: 4 }), one));
  // On four machines nobody is in another one's way.
  t.true(isNear(secondsOf(crowded, { processes: 4 }), 6 * 2));
});

test('units slow each other down by how many threads of their machine compute', (t) => {
  // Two of four threads: a third of the way to 1.6.
  t.true(isNear(secondsOf([{ ...equal(2), crowding: 1.6 }], { threads: 4 }), 2 * 1.2));
});

test('all that read and write share the storage', (t) => {
  const writing = { ...equal(4), units: Array.from({ length: 4 }, () => ({ seconds: 2, bytes: 1e9 })) };
  t.is(secondsOf([writing]), 4 * (2 + 1));
  // Four at once: each has a quarter of it.
  t.true(isNear(secondsOf([writing], { processes: 4 }), 2 + 4));
  // Who computes longer has the storage for himself.
  const uneven = { ...writing, units: [1, 3].map((seconds) => ({ seconds, bytes: 1e9 })) };
  t.true(isNear(secondsOf([uneven], { processes: 2 }), 4));
});

test('every process that has units reads what all of them need', (t) => {
  const reading = { ...equal(4), processBytes: 5e8 };
  t.is(secondsOf([reading]), 0.5 + 8);
  t.is(secondsOf([reading], { processes: 2 }), 2 * 0.5 + 4);
  t.is(secondsOf([reading], { processes: 8 }), 4 * 0.5 + 2);
});

test('start, scheduler and records come to every stage, and to every unit', (t) => {
  const run = [
    { ...equal(4), startUp: 0.5 },
    { ...stage([3]), startUp: 0.25 },
  ];
  const shared = { processes: 2, scheduler: 0.125, record: 0.0625 };
  t.is(secondsOf(run, shared), 2 * (2 + 0.0625) + 3 + 0.0625 + 0.75 + 0.25);
});

test('many runs are shared as whole runs, by processes that start once', (t) => {
  const run = [
    { ...equal(4), startUp: 0.5 },
    { ...stage([3]), startUp: 0.25 },
  ];
  const batch = (runs: number, site: Partial<Site>) => simulateBatch(runs, run, { ...alone, ...site });
  t.is(batch(1, {}), 0.5 + 11);
  t.is(batch(1000, { processes: 10, scheduler: 1 }), 1 + 0.5 + 100 * 11);
  t.is(batch(5, { processes: 10 }), 0.5 + 11);
  t.is(batch(11, { processes: 10 }), 0.5 + 22);
  t.is(batch(10, { processes: 5, threads: 2 }), 0.5 + 2 * (4 + 3));
});

test('the storage bounds many runs as it bounds one', (t) => {
  const writing = { ...stage([1]), units: [{ seconds: 1, bytes: 1e9 }] };
  t.is(simulateBatch(100, [writing], { ...alone, processes: 100 }), 1 + 100);
});
