import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { BatchPlan } from '../../src/batch/batch-plan.js';
import { diskNeeds, refuseFullBatch } from '../../src/batch/disk-space.js';
import { InputError } from '../../src/errors.js';
import { planModel } from '../../src/input/plan-model.js';
import type { FreeSpace } from '../../src/run/disk-space.js';
import { plannedRuns, planOf } from '../helpers/batches.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { shardedModel } from '../helpers/runs.js';

/** What the batch needs, where there is one file system. */
async function neededBy(plan: BatchPlan): Promise<number> {
  const needs = await diskNeeds(plan, everywhere(0));
  return needs.reduce((sum, need) => sum + need.neededBytes, 0);
}

const everywhere = (freeBytes: number) => async (): Promise<FreeSpace> => ({ fileSystem: 'one', freeBytes });

test('the need is what the files and records of all runs take, on whole blocks', async (t) => {
  const { directory: model } = shardedModel(t, 600, 8);
  const plan = await planOf(t, {
    runs: [
      { model, partitionRows: 100 },
      { model, exports: { npy: true } },
    ],
  });
  const files = plannedRuns(plan).flatMap((run) => run.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const [need, ...others] = await diskNeeds(plan, everywhere(1e12));
  t.deepEqual(others, []);
  t.true(
    need!.neededBytes > bytes && need!.neededBytes < bytes + 2 * 2 ** 14 + files.length * (4096 + 3 * 4096),
  );
});

test('a disk that is too small refuses the batch, to the byte, with what is needed and what is free', async (t) => {
  const { directory: model } = shardedModel(t, 600, 8);
  const plan = await planOf(t, { runs: [{ model }] });
  const neededBytes = await neededBy(plan);
  refuseFullBatch(await diskNeeds(plan, everywhere(neededBytes)));
  const needs = await diskNeeds(plan, everywhere(neededBytes - 1));
  const error = t.throws(() => refuseFullBatch(needs), { instanceOf: InputError });
  t.regex(
    error.message,
    /the batch needs \d.* [kM]B on this file system, \d.* [kM]B are free\nNothing has been computed/,
  );
});

test('downloads, exports and runs count on the file systems where they go, each with its own free space', async (t) => {
  const { directory: model } = shardedModel(t, 600, 8);
  const [cache, far] = [scratchDirectory(t), scratchDirectory(t)];
  const find: typeof planModel = async (_, options) => ({
    ...(await planModel(model, options)),
    bytesToDownload: 5_000_000,
    downloadTarget: path.join(cache, 'matrix'),
  });
  const exports = { npy: { projections: path.join(far, 'deep', 'p.npy') } };
  const plan = await planOf(
    t,
    {
      runs: [
        { model, exports },
        { model, ridge: 1 },
      ],
    },
    { find },
  );
  // The folder of the export is yet to be made: the one above it tells the file system.
  const needs = await diskNeeds(plan, async (place) => ({
    fileSystem: place,
    freeBytes: place === cache ? 1 : 1e9,
  }));
  const byPlace = new Map(needs.map((need) => [need.place, need.neededBytes]));
  // Both runs are of one model, which is downloaded once.
  t.is(byPlace.get(cache), 5_000_000);
  t.is(byPlace.get(far), Math.ceil((128 + 600 * 8 * 4) / 4096) * 4096);
  t.is(byPlace.size, 3);
  const error = t.throws(() => refuseFullBatch(needs), { instanceOf: InputError });
  t.true(error.message.startsWith(`${cache}: `));
  t.false(error.message.includes(far));
});

test('what an interrupted run has written already is not needed again', async (t) => {
  const { directory: model } = shardedModel(t, 5000, 8);
  const plan = await planOf(t, { runs: [{ model, partitionRows: 2500 }] });
  const [run] = plannedRuns(plan);
  const before = await neededBy(plan);
  const partition = run!.files.find(({ path: file }) => file.endsWith('part-00000.parquet'))!;
  mkdirSync(path.dirname(partition.path), { recursive: true });
  writeFileSync(partition.path, Buffer.alloc(partition.bytes, 1));
  const after = await neededBy(plan);
  t.true(before - after >= partition.bytes);
});

test('a made-up checkpoint that two runs share is made once', async (t) => {
  const synthetic = { rows: 3000, hidden: 16, seed: 1, directory: path.join(scratchDirectory(t), 'made') };
  const one = await neededBy(await planOf(t, { runs: [{ synthetic }] }));
  const two = await neededBy(await planOf(t, { runs: [{ synthetic }, { synthetic, ridge: 1 }] }));
  t.true(two <= 2 * one - 3000 * 16 * 2);
});

test('the system knows the free space of a place', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const [need] = await diskNeeds(await planOf(t, { runs: [{ model }] }));
  t.true(need!.freeBytes > 0);
});
