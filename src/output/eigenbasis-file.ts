import path from 'node:path';
import type { FileRecord } from '../files/file-record.js';
import type { FileLayout } from '../formats/layout.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { withStoredTensors } from '../formats/stored-tensors.js';
import type { Eigenbasis, StoredEigenbasis } from '../linalg/eigenbasis.js';
import { SIGN_RULE } from '../linalg/signs.js';
import { writeRecordedFile } from './recorded-file.js';
import { refuseDamaged } from './refuse-damaged.js';
import { runFile } from './run-file.js';

export const EIGENBASIS_NAME = 'eigenbasis.safetensors';

const COVARIANCE = 'covariance_eigenvalues';

/** Where the eigenvectors, float32 [d, d] row-major, lie; `sha256` is the file's, and keys a worker's copy. */
export interface EigenvectorsReference {
  file: string;
  byteOffset: number;
  hidden: number;
  sha256: string;
}

/** An eigenbasis that was read from a run's directory. */
export interface EigenbasisOnDisk extends StoredEigenbasis {
  /** Where workers find the eigenvectors. */
  reference: EigenvectorsReference;
}

/**
 * Plans `eigenbasis.safetensors`: eigenvalues [d] f64, covariance_eigenvalues [d] f64 where they are known,
 * eigenvectors [d, d] f32.
 */
export function planEigenbasis(
  d: number,
  hasCovariance: boolean,
  metadata: Record<string, string>,
): FileLayout {
  const vector = { dtype: 'float64', shape: [d] } as const;
  return planSafetensorsFile(
    {
      eigenvalues: vector,
      ...(hasCovariance ? { [COVARIANCE]: vector } : {}),
      eigenvectors: { dtype: 'float32', shape: [d, d] },
    },
    { ...metadata, order: 'ascending lambda; column j is an eigenvector', signs: SIGN_RULE },
  );
}

/** Writes `eigenbasis.safetensors`, see `planEigenbasis`. */
export function writeEigenbasis(
  directory: string,
  { eigenvalues, covarianceEigenvalues, eigenvectors }: Eigenbasis,
  metadata: Record<string, string>,
): FileRecord {
  const layout = planEigenbasis(eigenvalues.length, covarianceEigenvalues !== null, metadata);
  const values = [eigenvalues, ...(covarianceEigenvalues === null ? [] : [covarianceEigenvalues])];
  return writeRecordedFile(directory, EIGENBASIS_NAME, layout, [...values, Float32Array.from(eigenvectors)]);
}

/** Finds where the eigenvectors of a run lie. @throws InputError where the file does not hold them */
export async function locateEigenvectors(
  directory: string,
  d: number,
  record: Pick<FileRecord, 'path' | 'sha256'>,
): Promise<EigenvectorsReference> {
  const file = path.join(directory, record.path);
  return withStoredTensors(file, async (tensors) => ({
    file,
    byteOffset: tensors.entry('eigenvectors', 'F32', [d, d]).byteOffset,
    hidden: d,
    sha256: record.sha256,
  }));
}

/**
 * Refuses the eigenbasis of a finished run that is not as the run wrote it.
 *
 * @throws InputError where it is missing or damaged
 */
export async function refuseDamagedBasis(
  directory: string,
  { eigenbasis }: { eigenbasis: FileRecord },
): Promise<void> {
  await refuseDamaged(runFile(directory, eigenbasis.path), eigenbasis);
}

/**
 * Reads the eigenbasis of a run back from disk.
 * @param d hidden size; @param record what the run recorded of the file
 * @throws InputError where the file does not hold it
 */
export async function readEigenbasis(
  directory: string,
  d: number,
  record: FileRecord,
): Promise<EigenbasisOnDisk> {
  const file = path.join(directory, record.path);
  return withStoredTensors(file, async (tensors) => ({
    eigenvalues: await tensors.float64('eigenvalues', [d]),
    covarianceEigenvalues: tensors.has(COVARIANCE) ? await tensors.float64(COVARIANCE, [d]) : null,
    eigenvectors: await tensors.float32('eigenvectors', [d, d]),
    reference: await locateEigenvectors(directory, d, record),
  }));
}

/**
 * Reads the eigenvalues of a run alone, lambda [d].
 *
 * @throws InputError where the file does not hold them
 */
export async function readEigenvalues(
  directory: string,
  d: number,
  record: Pick<FileRecord, 'path'>,
): Promise<Float64Array> {
  const file = path.join(directory, record.path);
  return withStoredTensors(file, (tensors) => tensors.float64('eigenvalues', [d]));
}
