import path from 'node:path';
import { runTasks } from '../executor/executor.js';
import { sliceRecordsOf } from '../output/exports.js';
import type { JournalEntry } from '../output/journal.js';
import { counted } from '../text/figures.js';
import type { BegunRun } from './begun-run.js';

type Entry<Step extends JournalEntry['step']> = Extract<JournalEntry, { step: Step }>;

/** The units of an interrupted run whose files are still what its journal says. */
export interface IntactUnits {
  metric: Entry<'metric'> | undefined;
  eigenbasis: Entry<'eigenbasis'> | undefined;
  /** By index; a hole is to be computed. */
  partitions: (Entry<'partition'> | undefined)[];
}

/** Checks, on the pool, which of the recorded units are intact. */
export async function intactUnits(
  { prepared: { plan }, directory, exports, context }: BegunRun,
  done: readonly JournalEntry[],
): Promise<IntactUnits> {
  const { executor, stopwatch, note } = context;
  const intact: IntactUnits = { metric: undefined, eigenbasis: undefined, partitions: [] };
  if (done.length === 0) return intact;
  // A step that was redone after an earlier resume has two lines: the later one counts.
  const latest = new Map(
    done.map((entry) => [entry.step === 'partition' ? `partition ${entry.index}` : entry.step, entry]),
  );
  // A journal may name partitions that there are none of.
  const entries = [...latest.values()].filter(
    (entry) => entry.step !== 'partition' || entry.index < plan.partitions.length,
  );
  const inputs = entries.map((entry) => ({
    files: (entry.step === 'partition' ? entry.files : [entry.file]).map((file) => ({
      ...file,
      absolutePath: path.join(directory.path, file.path),
    })),
    slices:
      entry.step === 'partition'
        ? sliceRecordsOf(exports.projections, plan.partitions[entry.index]!.rows, plan.hidden, entry.crc32)
        : [],
  }));
  await stopwatch.time('check of what is done', undefined, () =>
    runTasks(executor, 'checksum', inputs, ({ problems }, index) => {
      const entry = entries[index]!;
      for (const problem of problems) note(`${problem}: to be computed again`);
      if (problems.length > 0) return;
      if (entry.step === 'partition') intact.partitions[entry.index] = entry;
      else if (entry.step === 'metric') intact.metric = entry;
      else intact.eigenbasis = entry;
    }),
  );
  const count = intact.partitions.filter((entry) => entry !== undefined).length;
  note(`resuming: ${count} of ${counted(plan.partitions.length, 'partition')} are done and intact`);
  return intact;
}
