import path from 'node:path';
import { runTasks } from '../executor/executor.js';
import { type ProjectionsExport, sliceRecordsOf } from '../output/exports.js';
import type { JournalEntry } from '../output/journal.js';
import type { RunDirectory } from '../output/run-directory.js';
import type { Plan } from '../plan/plan-run.js';
import type { RunContext } from './context.js';

type Entry<Step extends JournalEntry['step']> = Extract<JournalEntry, { step: Step }>;

/** The steps of an interrupted run whose files are still what its journal says. */
export interface ProvenSteps {
  metric: Entry<'metric'> | undefined;
  eigenbasis: Entry<'eigenbasis'> | undefined;
  /** By index; a hole is to be computed. */
  partitions: (Entry<'partition'> | undefined)[];
}

/** Checks, on the pool, which of the recorded steps still hold. */
export async function provenSteps(
  done: readonly JournalEntry[],
  plan: Plan,
  exports: readonly ProjectionsExport[],
  directory: RunDirectory,
  { executor, stopwatch, note }: RunContext,
): Promise<ProvenSteps> {
  const proven: ProvenSteps = { metric: undefined, eigenbasis: undefined, partitions: [] };
  if (done.length === 0) return proven;
  // A step that was redone after an earlier resume has two lines: the later one counts.
  const latest = new Map(
    done.map((entry) => [entry.step === 'partition' ? `partition ${entry.index}` : entry.step, entry]),
  );
  const entries = [...latest.values()];
  const inputs = entries.map((entry) => ({
    files: (entry.step === 'partition' ? entry.files : [entry.file]).map((file) => ({
      ...file,
      absolutePath: path.join(directory.path, file.path),
    })),
    slices:
      entry.step === 'partition'
        ? sliceRecordsOf(exports, plan.partitions[entry.index]!.rows, plan.hidden, entry.crc32)
        : [],
  }));
  await stopwatch.time('check of what is done', undefined, () =>
    runTasks(executor, 'checksum', inputs, ({ problems }, index) => {
      const entry = entries[index]!;
      for (const problem of problems) note(`${problem}: to be computed again`);
      if (problems.length > 0) return;
      if (entry.step === 'partition') proven.partitions[entry.index] = entry;
      else if (entry.step === 'metric') proven.metric = entry;
      else proven.eigenbasis = entry;
    }),
  );
  const count = proven.partitions.filter((entry) => entry !== undefined).length;
  note(`resuming: ${count} of ${plan.partitions.length} partitions are done and intact`);
  return proven;
}
