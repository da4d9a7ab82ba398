import type { PartitionInput } from '../executor/tasks.js';
import { readEigenvalues, refuseDamagedBasis } from '../output/eigenbasis-file.js';
import { fileMetadata } from '../output/file-metadata.js';
import type { Manifest } from '../output/manifest.js';
import { recordedPartitions } from './recorded-partitions.js';

/** A finished run, as neighbours are found from it. */
export interface RunToSearch {
  partitions: PartitionInput[];
  /** lambda, [d] */
  eigenvalues: Float64Array;
}

/**
 * Opens what neighbours are found from: the eigenvalues, whose file is compared with its record, and the partitions.
 *
 * @throws InputError where the eigenbasis is missing or damaged
 */
export async function openSearch(directory: string, manifest: Manifest): Promise<RunToSearch> {
  const { model, fingerprint, layout, eigenbasis } = manifest;
  await refuseDamagedBasis(directory, manifest);
  const metadata = fileMetadata(fingerprint, layout, model.name);
  return {
    eigenvalues: await readEigenvalues(directory, model.hidden, eigenbasis),
    partitions: recordedPartitions(manifest).map((partition) => ({
      ...partition,
      hidden: model.hidden,
      directory,
      metadata,
    })),
  };
}
