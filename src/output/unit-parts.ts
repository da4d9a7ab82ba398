import { z } from 'zod';
import {
  type MeasurementArrays,
  measurementArrayNames,
  measurementArrays,
  measurementsOf,
} from '../checks/measurement-arrays.js';
import type { Measurements } from '../checks/measurements.js';
import { RunError } from '../errors.js';
import type { FileRecord, VerifiedFile, WrittenFile } from '../files/file-record.js';
import type { ScannedRange } from '../input/scan.js';
import type { TablePart } from '../tables/part.js';
import { type TableArrays, tableArrays, tablePartOf } from '../tables/part-arrays.js';
import type { DoneRecord } from './done-records.js';
import { type PartArrays, readPart } from './part-file.js';
import type { RunStore } from './run-store.js';
import { fileRecordSchema, verifiedFileSchema } from './schemas.js';

/** What a unit leaves for later stages: small results in its record, arrays in its part. */
export interface UnitFindings {
  /** Files of the run that it has written. */
  files: DoneRecord['files'];
  part: PartArrays | null;
  results: DoneRecord['results'];
  isUncached?: DoneRecord['isUncached'];
}

/** What a unit of the stage `scan` leaves. */
export function findingsOfScan({
  sha256,
  columnSums,
  offsets,
  rowHashes,
  onlyRow,
}: ScannedRange): UnitFindings {
  return {
    files: [],
    part: {
      columnSums,
      ...(offsets === null ? {} : { offsets }),
      ...(rowHashes === null ? {} : { rowHashes }),
      ...(onlyRow === null ? {} : { onlyRow }),
    },
    results: { sha256 },
  };
}

/** Reads what a unit of the stage `scan` has left. */
export function readScannedRange(store: RunStore, record: DoneRecord): ScannedRange {
  const arrays = partOf(store, record);
  const { sha256 } = z.object({ sha256: z.string() }).parse(record.results);
  return {
    sha256,
    columnSums: arrays.columnSums as Float64Array,
    offsets: (arrays.offsets as Float64Array | undefined) ?? null,
    rowHashes: (arrays.rowHashes as BigUint64Array | undefined) ?? null,
    onlyRow: (arrays.onlyRow as Float32Array | undefined) ?? null,
  };
}

/** What of the basis later units need, each array [d] but for the probe's. */
export interface BasisArrays {
  /** lambda */
  eigenvalues: Float64Array;
  /** Vectors r of the Freivalds probe, and their images V r, each [2, d]. */
  probeVectors: Float64Array;
  probeImages: Float64Array;
  /**
   * Entries of one size that an entry of an eigenvector is one of, on average, where that is most, [1]; an earlier version did not
   * count them.
   */
  likeEntries?: Float64Array;
  /** m = mu V */
  means: Float64Array;
}

/** What the unit of the stage `identity` leaves. */
export interface IdentityArrays {
  /** mu, [d] */
  mean: Float64Array;
  /** The mean of the rows before a norm is folded in, [d]; absent where none is. */
  unfoldedMean?: Float64Array;
  /** Weights of the rows, [V], their sum 1; absent where all are alike. */
  weights?: Float64Array;
}

/** Reads what the unit of the stage `identity` has left. */
export function readIdentityArrays(store: RunStore, record: DoneRecord): IdentityArrays {
  return partOf(store, record) as unknown as IdentityArrays;
}

/** Reads what the unit of the stage `basis` has left. */
export function readBasisArrays(store: RunStore, record: DoneRecord): BasisArrays {
  return partOf(store, record) as unknown as BasisArrays;
}

/** What the verification of a partition has found. */
export interface VerifiedUnit {
  measurements: Measurements;
  /** Files of the partition, with the SHA-256 of their bytes on disk. */
  files: VerifiedFile[];
  /** Part of the tables; null where none are wanted, or the files are not what they should be. */
  tables: TablePart | null;
}

const MEASURED = 'measured.';
const TABLES = 'tables.';

/** What a unit of the stage `verify` leaves. */
export function findingsOfVerification({ measurements, files, tables }: VerifiedUnit): UnitFindings {
  return {
    files: [],
    part: {
      ...prefixed(MEASURED, measurementArrays(measurements)),
      ...(tables === null ? {} : prefixed(TABLES, tableArrays(tables))),
    },
    results: { files, problems: measurements.problems },
  };
}

const verifiedSchema = z.object({ files: z.array(verifiedFileSchema), problems: z.array(z.string()) });

/** What the verification of a unit has found wrong, in words; nothing for units of other stages. */
export function problemsOf({ stage, results }: Pick<DoneRecord, 'stage' | 'results'>): string[] {
  return stage === 'verify' ? verifiedSchema.parse(results).problems : [];
}

/** What a record of the stage `verify` says without its part. */
export function verifiedFilesOf(record: DoneRecord): { files: VerifiedFile[]; problems: string[] } {
  return verifiedSchema.parse(record.results);
}

/** What a unit of the stage `covariance` leaves: under another name than former versions, whose units had other rows. */
export interface CovarianceArrays {
  /** Packed blocks, in the order of `covarianceBlocks`. */
  outerSums: Float64Array;
}

/**
 * Whether a unit has left all that is read of it: those that an earlier version has verified may have measured other things,
 * and what it has summed up had another order, or was of other rows.
 */
export function hasAllArrays({ stage, part }: Pick<DoneRecord, 'stage' | 'part'>): boolean {
  const names = new Set(part?.arrays.map(({ name }) => name));
  if (stage === 'covariance') return names.has('outerSums' satisfies keyof CovarianceArrays);
  return stage !== 'verify' || measurementArrayNames.every((name) => names.has(MEASURED + name));
}

/** Reads what a unit of the stage `verify` has left. */
export function readVerifiedUnit(store: RunStore, record: DoneRecord): VerifiedUnit {
  const arrays = partOf(store, record);
  const { files, problems } = verifiedFilesOf(record);
  const tables = unprefixed(TABLES, arrays) as TableArrays;
  return {
    measurements: measurementsOf(unprefixed(MEASURED, arrays) as unknown as MeasurementArrays, problems),
    files,
    tables: Object.keys(tables).length === 0 ? null : tablePartOf(tables),
  };
}

/** Files that the record of a basis names: the eigenbasis, and a metric that was computed. */
export function basisFilesOf({ files }: Pick<DoneRecord, 'files'>): [FileRecord, FileRecord?] {
  const [eigenbasis, metric] = z.array(fileRecordSchema).min(1).parse(files) as [FileRecord, FileRecord?];
  return metric === undefined ? [eigenbasis] : [eigenbasis, metric];
}

/** Files of a partition, as a record of the stage `project` names them. */
export function writtenFilesOf({ files }: Pick<DoneRecord, 'files'>): WrittenFile[] {
  return files.filter((file) => 'crc32' in file);
}

/** Reads the arrays that a unit has left for later stages. @throws InputError where they are not what it recorded */
export function partOf(store: RunStore, { stage, unit, part }: DoneRecord): PartArrays {
  if (part === null) throw new RunError(`${stage}, unit ${unit}: its record names no part`);
  return readPart(store, part);
}

function prefixed(prefix: string, arrays: object): PartArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

function unprefixed(prefix: string, arrays: PartArrays): PartArrays {
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([name, array]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
    ),
  );
}
