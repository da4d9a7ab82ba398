import path from 'node:path';
import { runTasks } from '../executor/executor.js';
import type { DoneRecord } from '../output/done-records.js';
import { counted } from '../text/figures.js';
import type { RunContext } from './context.js';
import { type UnitRun, withdrawUnit } from './unit-run.js';

/** Units of an interrupted run whose files are still what their records say. */
export interface IntactRecords {
  basis: DoneRecord | undefined;
  /** By partition; a hole is to be computed. */
  partitions: (DoneRecord | undefined)[];
}

/** Checks, on the pool, which of the recorded units are intact; the others are withdrawn. */
export async function intactRecords(
  run: UnitRun,
  done: readonly DoneRecord[],
  { executor, stopwatch, note }: RunContext,
): Promise<IntactRecords> {
  const intact: IntactRecords = { basis: undefined, partitions: [] };
  const records = done.filter(({ files }) => files.length > 0);
  if (records.length === 0) return intact;
  const inputs = records.map(({ files }) => ({
    files: files.map((file) => ({ ...file, absolutePath: path.join(run.directory, file.path) })),
  }));
  await stopwatch.time('check of what is done', undefined, () =>
    runTasks(executor, 'checksum', inputs, ({ problems }, index) => {
      const record = records[index]!;
      for (const problem of problems) note(`${problem}: to be computed again`);
      if (problems.length > 0) withdrawUnit(run, record);
      else if (record.stage === 'project') intact.partitions[record.unit] = record;
      else intact.basis = record;
    }),
  );
  const count = intact.partitions.filter((record) => record !== undefined).length;
  note(`resuming: ${count} of ${counted(run.plan.units.partitions.length, 'partition')} are done and intact`);
  return intact;
}
