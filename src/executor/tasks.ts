import type { Measurements } from '../checks/measurements.js';
import type {
  ExpectedFile,
  FileRecord,
  Slice,
  SliceRecord,
  VerifiedFile,
  WrittenFile,
} from '../files/file-record.js';
import type { LockClaim } from '../files/lock-file.js';
import type { FilePiece } from '../formats/layout.js';
import type { RowSource } from '../input/checkpoint.js';
import type { SyntheticRecipe } from '../input/synthetic.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import type { EigenvectorsReference } from '../output/eigenbasis-file.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { TablePart, TableSettings } from '../tables/part.js';

/**
 * What crosses the thread boundary: every task's name, input and result, all structured-cloneable plain data.
 * Tasks name files, never hold their contents, so that any executor can run them. V = vocabulary rows,
 * d = hidden size.
 */
export interface Tasks {
  /** Writes rows of a synthetic checkpoint at their place in an already sized file. */
  generate: {
    input: { file: string; byteOffset: number; rows: RowRange; recipe: SyntheticRecipe };
    result: { bytes: number };
  };
  /** Reads rows once: refuses NaN and infinity, hashes the stored bytes, sums the columns. */
  scan: {
    input: { source: RowSource; rows: RowRange; hashRows?: boolean };
    result: {
      /** Of each row's stored bytes, where asked for: equal rows have equal hashes. */
      rowHashes: BigUint64Array | null;
      /** SHA-256 (hex) of the rows' stored bytes. */
      sha256: string;
      /** sum_i gamma_ij, [d]. */
      columnSums: Float64Array;
    };
  };
  /** Sums (gamma_i - mu)(gamma_i - mu)^T over rows. */
  covariance: {
    input: { source: RowSource; rows: RowRange; mean: Float64Array; backend: BackendChoice };
    /** The lower block triangle of the sum, in the order of `covarianceBlocks`. */
    result: { blocks: Float64Array };
  };
  /** Projects rows on the eigenvectors and writes them as one partition. */
  project: {
    input: ProjectInput;
    result: {
      files: WrittenFile[];
      /** CRC-32 of the rows' projections, row-major float32, as every export holds them; null without exports. */
      crc32: number | null;
    };
  };
  /** Re-reads one partition from disk and measures it against the checkpoint. */
  verify: { input: VerifyInput; result: VerifyResult };
  /** Reads a row-major export whole, and says what is wrong with it. */
  digest: {
    input: {
      /** Absolute. */
      file: string;
      /** What the file is called in messages. */
      name: string;
      /** What its stretches of rows must be. */
      slices: Omit<SliceRecord, 'file'>[];
      /** What must stand around them; empty where only the recorded SHA-256 tells. */
      frame: FilePiece[];
    };
    result: { bytes: number; sha256: string; problems: string[] };
  };
  /** Whether files (and slices of files) still hold what was recorded. */
  checksum: {
    input: { files: ((FileRecord | WrittenFile) & { absolutePath: string })[]; slices: SliceRecord[] };
    result: { problems: string[] };
  };
}

export type TaskName = keyof Tasks;

/** What every thread of a pool is given when it starts. */
export interface WorkerSetting {
  /** One int32, not 0 from the moment that the run is interrupted. */
  interruption: SharedArrayBuffer;
}

export interface ProjectInput {
  source: RowSource;
  rows: RowRange;
  eigenvectors: EigenvectorsReference;
  backend: BackendChoice;
  directory: string;
  /** The directory's lock, without which nothing is written; null where nobody locks it. */
  lock: LockClaim | null;
  /** Paths relative to `directory`, of the formats asked for. */
  parquet: string | null;
  arrow: string | null;
  slices: Slice[];
  /** Key-value metadata of the partition's files. */
  metadata: Record<string, string>;
}

export interface VerifyInput {
  /** Null where the checkpoint is not at hand: then the projections are measured alone. */
  source: RowSource | null;
  /** d */
  hidden: number;
  rows: RowRange;
  directory: string;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
  /** Key-value metadata that the partition's files must carry. */
  metadata: Record<string, string>;
  /** lambda, [d]. */
  eigenvalues: Float64Array;
  /** r, [d], a unit vector, and V r, [d]: the Freivalds probe. */
  probe: { vector: Float64Array; image: Float64Array };
  /** What the tables are to hold; null where none are wanted. */
  tables: TableSettings | null;
}

/** What a partition's bytes on disk give. */
export interface VerifyResult extends Measurements {
  /** The partition's files, with the SHA-256 of their bytes on disk. */
  files: VerifiedFile[];
  /** Null where none are wanted, or the files are not what they should be. */
  tables: TablePart | null;
}
