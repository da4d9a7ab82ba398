import type { PartitionInput } from '../executor/tasks.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { LockedRun } from './plan-extension.js';
import { recordedPartitions } from './recorded-partitions.js';

/** The partitions of a finished run, in order, as tasks read them. */
export function partitionInputs({
  directory,
  manifest,
}: Pick<LockedRun, 'directory' | 'manifest'>): PartitionInput[] {
  const { hidden, name } = manifest.model;
  const metadata = fileMetadata(manifest.fingerprint, manifest.layout, name);
  return recordedPartitions(manifest).map((partition) => ({ ...partition, hidden, directory, metadata }));
}
