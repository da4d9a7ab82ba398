import { type DiskNeed, diskNeedsOf, type FreeSpace, refuseFullDisk } from '../run/disk-space.js';
import { type BatchPlan, isPlanned } from './batch-plan.js';

/**
 * Needs of a batch on each file system that it will write to, beside what is free there.
 *
 * @param freeSpaceAt asks the system; another answer in tests
 */
export async function diskNeeds(
  { runs }: BatchPlan,
  freeSpaceAt?: (folder: string) => Promise<FreeSpace>,
): Promise<DiskNeed[]> {
  const writes = runs.filter(isPlanned).map((run) => ({ ...run, out: run.config.out }));
  return diskNeedsOf(writes, freeSpaceAt);
}

/** Refuses a batch that does not fit. @throws InputError where a file system cannot take what will be written to it */
export function refuseFullBatch(needs: readonly DiskNeed[]): void {
  refuseFullDisk(needs, 'the batch', 'Free space, give another --out, or run fewer models at a time');
}
