import test from 'ava';
import type { PlannedRun } from '../../src/batch/batch-plan.js';
import { Downloads } from '../../src/batch/downloads.js';
import type { Checkpoint } from '../../src/input/checkpoint.js';

/** Runs whose downloads end when the test says so. `log` has what happened, in order. */
function controlled(sizes: readonly number[]) {
  const log: string[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const runs = sizes.map((bytesToDownload, index) => ({
    name: `m${index}`,
    bytesToDownload,
    fetch: (onBytes: (bytes: number) => void, signal?: AbortSignal) => {
      log.push(`begin ${index}`);
      onBytes(bytesToDownload);
      return new Promise<Checkpoint>((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
        ends[index] = { resolve: () => resolve({ path: `m${index}` } as Checkpoint), reject };
      });
    },
  })) as unknown as PlannedRun[];
  return { log, ends, runs };
}

const { signal: never } = new AbortController();

test('the next model is fetched while the present one is in use, one at a time', async (t) => {
  const { log, ends, runs } = controlled([5, 5, 5]);
  const finished: string[] = [];
  const downloads = new Downloads(runs, never, (run) => finished.push(run.name));
  const first = downloads.take(runs[0]!);
  t.deepEqual(log, ['begin 0']);
  ends[0]!.resolve();
  t.is((await first)?.path, 'm0');
  // The caller computes now.
  t.deepEqual(log, ['begin 0', 'begin 1']);
  ends[1]!.resolve();
  t.is((await downloads.take(runs[1]!))?.path, 'm1');
  t.deepEqual(log, ['begin 0', 'begin 1', 'begin 2']);
  ends[2]!.resolve();
  await downloads.take(runs[2]!);
  t.deepEqual(finished, ['m0', 'm1', 'm2']);
  t.is(log.length, 3);
});

test('what is here already does not keep the next download waiting', async (t) => {
  const { log, ends, runs } = controlled([0, 0, 7]);
  const downloads = new Downloads(runs, never, () => {});
  const first = downloads.take(runs[0]!);
  ends[0]!.resolve();
  await first;
  t.deepEqual(log, ['begin 0', 'begin 2']);
});

test('a failed download is the failure of its own run, and the one after it goes on', async (t) => {
  const { ends, runs, log } = controlled([5, 5, 5]);
  const downloads = new Downloads(runs, never, () => {});
  const first = downloads.take(runs[0]!);
  ends[0]!.resolve();
  await first;
  ends[1]!.reject(new Error('gone'));
  await t.throwsAsync(downloads.take(runs[1]!), { message: 'gone' });
  t.deepEqual(log, ['begin 0', 'begin 1', 'begin 2']);
  ends[2]!.resolve();
  t.is((await downloads.take(runs[2]!))?.path, 'm2');
});

test('an interruption ends what is being downloaded', async (t) => {
  const { ends, runs } = controlled([5, 5]);
  const interruption = new AbortController();
  const downloads = new Downloads(runs, interruption.signal, () => {});
  const first = downloads.take(runs[0]!);
  ends[0]!.resolve();
  await first;
  interruption.abort();
  await downloads.settle();
  await t.throwsAsync(downloads.take(runs[1]!), { message: 'aborted' });
});

test('a run that makes its checkpoint itself has none to wait for', async (t) => {
  const run = { name: 'made', bytesToDownload: 0, fetch: null } as unknown as PlannedRun;
  t.is(await new Downloads([run], never, () => {}).take(run), undefined);
});
