import type { RowSource } from '../input/checkpoint.js';
import type { KernelsChoice } from '../linalg/backend/backend.js';
import type { RowRange } from '../plan/plan-run.js';
import type { ExtremeLists } from '../tables/extremes.js';
import type { ZBins } from '../tables/z-bins.js';

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
    input: { source: RowSource; rows: RowRange; hashRows?: boolean; sumSquares?: boolean };
    result: {
      /** Of each row's stored bytes, where asked for: equal rows have equal hashes. */
      rowHashes: BigUint64Array | null;
      /** SHA-256 (hex) of the rows' stored bytes. */
      sha256: string;
      /** sum_i gamma_ij, [d]. */
      columnSums: Float64Array;
      /** sum_i gamma_ij^2, [d], where asked for. */
      columnSquares: Float64Array | null;
      /** The one row that all of them are, [d]; null where two differ. */
      onlyRow: Float32Array | null;
    };
  };
  /** Sums (gamma_i - mu)(gamma_i - mu)^T over rows. */
  covariance: {
    input: { source: RowSource; rows: RowRange; mean: Float64Array; kernels: KernelsChoice };
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
  verify: { input: VerifyInput; result: PartitionMeasures };
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

/** What identifies a synthetic checkpoint: the same recipe always gives the same bytes. */
export interface SyntheticRecipe {
  rows: number;
  hidden: number;
  seed: number;
}

/** A finished file: its path relative to the output directory, with '/', its length and SHA-256 (hex). */
export interface FileRecord {
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * A partition's file as it was written. CRC-32 costs the projection a quarter of what SHA-256 would; the latter is
 * taken in the verification, from the bytes on disk.
 */
export interface WrittenFile {
  path: string;
  bytes: number;
  crc32: number;
}

export interface VerifiedFile extends WrittenFile {
  sha256: string;
}

/** What a partition's file must be; `sha256` null where none has been recorded yet. */
export interface ExpectedFile extends WrittenFile {
  sha256: string | null;
}

/** A stretch of a row-major export: the float32 rows of one partition. */
export interface Slice {
  file: string;
  byteOffset: number;
}

export interface SliceRecord extends Slice {
  bytes: number;
  crc32: number;
}

/** Where the eigenvectors, float32 [d, d] row-major, lie; `sha256` is the file's, and keys a worker's copy. */
export interface EigenvectorsReference {
  file: string;
  byteOffset: number;
  hidden: number;
  sha256: string;
}

export interface ProjectInput {
  source: RowSource;
  rows: RowRange;
  eigenvectors: EigenvectorsReference;
  kernels: KernelsChoice;
  directory: string;
  /** Paths relative to `directory`, of the formats asked for. */
  parquet: string | null;
  arrow: string | null;
  slices: Slice[];
  /** Key-value metadata of the partition's files. */
  metadata: Record<string, string>;
}

export interface VerifyInput {
  source: RowSource;
  rows: RowRange;
  directory: string;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
  slices: SliceRecord[];
  /** Key-value metadata that the partition's files must carry. */
  metadata: Record<string, string>;
  /** lambda, [d]. */
  eigenvalues: Float64Array;
  /** r, [d], a unit vector, and V r, [d]: the Freivalds probe. */
  probe: { vector: Float64Array; image: Float64Array };
  /** What the tables are to hold; null where none are wanted. */
  tables: TableSettings | null;
}

/** What a partition's part of the tables depends on beside its bytes. */
export interface TableSettings {
  /** m = mu V, [d], and the Euclidean and causal norm of mu. */
  means: Float64Array;
  centroidNorm: number;
  causalCentroidNorm: number;
  /** Strongest directions of a token. */
  places: number;
  /** Tokens in each list of extremes. */
  top: number;
  /**
   * [d, LISTS]: the last key of every list that other partitions have filled by now, or -Infinity. Keys below need not
   * be named, so a part depends on what was known when its task began; the merged lists do not.
   */
  floors: Float64Array;
  bins: ZBins;
}

/** What one partition adds to the tables; sums are merged in partition order, counts and lists in any. */
export interface TablePart {
  zeroRows: number;
  tokens: TokenPart;
  /** Of p, [d] each. */
  minima: Float64Array;
  maxima: Float64Array;
  /** [d, 10]: q, q^2, q^3, q^4 of q = p - m; s, s^2, |s| of the Euclidean s = 90 - angle; the same of the causal one. */
  columnSums: Float64Array;
  /** int32 [d, 10]: tokens with |cos| >= 0.1, 0.2, 0.3, 0.5, 0.7, Euclidean and causal. */
  aligned: Int32Array;
  /** int32 [d, FINE_BINS] of z, on the grid of the partition's own extremes: see fine-grid.ts. */
  fineCounts: Int32Array;
  /** int32 [d, bins] of z. */
  histogram: Int32Array;
  extremes: ExtremeLists;
}

/** Of every token of a partition, [rows] each; NaN where it has none. */
export interface TokenPart {
  norm: Float64Array;
  causalNorm: Float64Array;
  centredNorm: Float64Array;
  causalCentredNorm: Float64Array;
  centroidCosine: Float64Array;
  causalCentroidCosine: Float64Array;
  participation: Float64Array;
  normError: Float64Array;
  /** int32 [rows, places] and float64 [rows, places]: the columns of the largest |z|, falling, and z. */
  directions: Int32Array;
  directionValues: Float64Array;
}

/** What one partition's bytes give; merged in partition order. */
export interface PartitionMeasures {
  /** What is wrong with the files themselves: checksum, ids, layout, non-finite values; empty when all is well. */
  problems: string[];
  /** The partition's files, with the SHA-256 of their bytes on disk. */
  files: VerifiedFile[];
  rows: number;
  /** Per column of the projections, each [d]. */
  sums: Float64Array;
  sumsOfSquares: Float64Array;
  minima: Float64Array;
  maxima: Float64Array;
  /** sum_i gamma_ij, [d], from the checkpoint. */
  gammaSums: Float64Array;
  /** sum_i ||gamma_i||^2, from the checkpoint. */
  gammaSquares: number;
  /** | ||gamma_i|| - ||p_i|| |: its maximum, its sum, and the maximum relative to ||gamma_i||. */
  normDifference: { maximum: number; sum: number; maximumRelative: number; row: number };
  /** |p_i . r - gamma_i . (V r)| / ||gamma_i||, its maximum and where. */
  probe: { maximumRelative: number; row: number };
  /** Euclidean ||p_i|| and causal sqrt(sum_j lambda_j p_ij^2) norms. */
  norm: Moments;
  causalNorm: Moments;
  /** Null where none are wanted, or the files are not what they should be. */
  tables: TablePart | null;
}

export interface Moments {
  minimum: number;
  maximum: number;
  sum: number;
  sumOfSquares: number;
}
