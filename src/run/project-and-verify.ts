import path from 'node:path';
import pLimit from 'p-limit';
import type { Executor } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { syncFiles } from '../files/sync-files.js';
import type { DoneRecord } from '../output/done-records.js';
import { filesOf } from '../plan/plan-run.js';
import { projectionLanes } from '../plan/projection-lanes.js';
import type { Basis } from './basis.js';
import type { RunContext } from './context.js';
import type { IntactRecords } from './intact-records.js';
import { memoryForCopies } from './peak-memory.js';
import type { SettledIdentity } from './settle-identity.js';
import { type UnitRun, unitInput } from './unit-run.js';
import { VerifiedUnits } from './verified-units.js';

/** What partitions are projected on, and which of them lie there already. */
interface Projection {
  basis: Basis;
  identity: Pick<SettledIdentity, 'weights'> & { scan: Pick<SettledIdentity['scan'], 'mean'> };
  intact: IntactRecords;
}

/**
 * Projects, on the pool, every partition that is not intact, and verifies all of them while they are being synced to the
 * disk. A thread that finds no partition left to project verifies one that is done: none waits for the others. After a
 * failure no further unit is started, and those running are waited for, so that what they finish is kept.
 *
 * @returns what the verification of all of them has left
 * @throws what failed first
 */
export async function projectAndVerify(
  run: UnitRun,
  { basis, identity, intact }: Projection,
  { executor, stopwatch }: RunContext,
): Promise<VerifiedUnits> {
  const { partitions, rows } = run.plan.units;
  const verified = new VerifiedUnits(run, basis, identity);
  const inLane = pLimit(executor.concurrency);
  const { hidden } = run.plan.units;
  const { lanes, threads } = projectionLanes(hidden, executor.concurrency, memoryForCopies(run.plan.choice));
  const few = pLimit(lanes);
  // Where threads share a product, it alone waits for another one: partitions are verified beside it.
  const inProjectionLane = <Result>(work: () => Promise<Result>) =>
    threads === 1 ? inLane(work) : few(() => inLane(work));
  const failures: unknown[] = [];
  const attempt = async <Result>(work: () => Promise<Result> | Result): Promise<Result | null> => {
    if (failures.length > 0) return null;
    try {
      return await work();
    } catch (error) {
      failures.push(error);
      return null;
    }
  };
  const ended = async (work: Promise<unknown>) => {
    await work;
    if (failures.length > 0) throw failures[0];
  };

  const verifications: Promise<unknown>[] = [];
  let verification: Promise<void> | undefined;
  let telling: Executor = executor;
  /** Begins with the first unit that is verified. */
  const beginVerification = () => {
    verification ??= stopwatch.time('verification', rows, async (advance) => {
      telling = tellRows(executor, advance);
      await ended(projection.then(() => Promise.all([...verifications, attempt(syncAll)])));
    });
  };
  const syncAll = () => syncFiles(partitions.flatMap(filesOf).map((file) => path.join(run.directory, file)));
  const verify = async (unit: number) => {
    const record = await inLane(() =>
      attempt<DoneRecord>(() => {
        beginVerification();
        return telling.run('unit', unitInput(run, { stage: 'verify', unit }));
      }),
    );
    // Not in the lane, in which the next unit begins meanwhile.
    if (record !== null) await attempt(() => verified.add(record));
  };

  const open = partitions.filter(({ index }) => intact.partitions[index] === undefined);
  const openRows = open.reduce((sum, partition) => sum + partition.rows.count, 0);
  const projection = stopwatch.time('projection', openRows, (advance) => {
    const projecting = tellRows(executor, advance);
    const projected = open.map(async ({ index }) => {
      const input = unitInput(run, { stage: 'project', unit: index }, threads);
      const record = await inProjectionLane(() => attempt(() => projecting.run('unit', input)));
      if (record !== null) verifications.push(verify(index));
    });
    for (const { index } of partitions)
      if (intact.partitions[index] !== undefined) verifications.push(verify(index));
    return ended(Promise.all(projected));
  });
  await Promise.allSettled([projection]);
  await Promise.allSettled([verification, ...verifications]);
  if (failures.length > 0) throw failures[0];
  return verified;
}
