import type { Measurements } from '../checks/measurements.js';
import type { Probe } from '../checks/probe.js';
import type { Summation } from '../checks/rounding.js';
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
import type { PickedRows } from '../input/picked-rows.js';
import type { ScannedRange } from '../input/scan.js';
import type { SyntheticRecipe } from '../input/synthetic.js';
import type { GivenVectors } from '../input/vectors.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import type { Fold } from '../linalg/fold.js';
import type { DoneRecord, Maker } from '../output/done-records.js';
import type { EigenvectorsReference } from '../output/eigenbasis-file.js';
import type { Band } from '../plan/bands.js';
import type { CovarianceUnit } from '../plan/covariance-units.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { UnitName } from '../plan/stages.js';
import type { VectorKind } from '../plan/vector-kind.js';
import type { DisplacementPart, DisplacementSums } from '../tables/displacement-part.js';
import type { ExtremeLists } from '../tables/extremes.js';
import type { TokenIndicators } from '../tables/indicators.js';
import type { NeighbourLists } from '../tables/nearest-lists.js';
import type { Candidates, KeptRows } from '../tables/neighbour-candidates.js';
import type { NeighbourMeasure, SpaceName } from '../tables/neighbour-measures.js';
import type { NormPart } from '../tables/norm-part.js';
import type { TablePart, TableSettings } from '../tables/part.js';
import type { VectorPass, VectorSpectrum } from '../tables/vector-geometry.js';
import type { VectorPart } from '../tables/vector-part.js';

/**
 * Tasks by name, with the input and the result of each: all that crosses the thread boundary, structured-cloneable
 * plain data. Tasks name files, never hold their contents, so that any executor can run them. V is the number of
 * vocabulary rows, d the hidden size.
 */
export interface Tasks {
  /** Writes rows of a synthetic checkpoint at their offset in an already sized file. */
  generate: {
    input: { file: string; byteOffset: number; rows: RowRange; recipe: SyntheticRecipe };
    result: { bytes: number };
  };
  /** Reads rows once: refuses NaN and infinity, hashes the stored bytes, sums the columns. */
  scan: {
    input: { source: RowSource; rows: RowRange; hashRows?: boolean; sumSquares?: boolean };
    result: ScannedRange & {
      /** sum_i gamma_ij^2, [d], where asked for. */
      columnSquares: Float64Array | null;
    };
  };
  /** Multiplies rows with a vector [d], as they are before a norm is folded in. */
  products: {
    input: { source: RowSource; rows: RowRange; vector: Float64Array };
    /** gamma_i . vector, [rows]. */
    result: { products: Float64Array };
  };
  /** Sums rows by their weights, [rows], as they are before a norm is folded in. */
  weightedSum: {
    input: { source: RowSource; rows: RowRange; weights: Float64Array };
    /** sum_i w_i gamma_i, [d]. */
    result: { sum: Float64Array };
  };
  /** Sums (gamma_i - mu)(gamma_i - mu)^T over the rows of a unit, as they are before a norm is folded in. */
  covariance: {
    input: CovarianceUnit & {
      source: RowSource;
      mean: Float64Array;
      /** Weight of each row, [rows], by which its product counts; absent where each counts as 1. */
      weights?: Float64Array | undefined;
      backend: BackendChoice;
    };
    /** Its blocks of the sum, in the order of `covarianceBlocks`. */
    result: { sums: Float64Array };
  };
  /** Projects rows on the eigenvectors and writes them as one partition. */
  project: {
    input: ProjectInput;
    result: {
      files: WrittenFile[];
      /** Whether the Parquet file went to the disk past the file cache, which does not hold it. */
      isUncached: boolean;
    };
  };
  /** Computes one unit of a run, whose plan lies in its directory, and publishes what it has found. */
  unit: { input: UnitInput; result: DoneRecord };
  /** Writes the rows of one partition, from its own files, into their stretch of row-major exports. */
  export: {
    input: ExportInput;
    result: {
      /** What is wrong with the partition, in words; then nothing of it was written. */
      problems: string[];
      /** CRC-32 of the rows' projections, row-major float32. */
      crc32: number;
    };
  };
  /** Re-reads one partition from disk and measures it against the checkpoint. */
  verify: { input: VerifyInput; result: VerifyResult };
  /** Reads a row-major export whole, and says what is wrong with it. */
  digest: {
    input: {
      /** Absolute path of the export. */
      file: string;
      /** Name of the file in messages. */
      name: string;
      /** Stretches of rows with what they must be. */
      slices: Omit<SliceRecord, 'file'>[];
      /** Pieces that must stand around the rows; empty where only the recorded SHA-256 tells. */
      frame: FilePiece[];
    };
    result: { bytes: number; sha256: string; problems: string[] };
  };
  /** Computes the coordinates and the duals of vectors that are not rows, and writes them. */
  coordinates: {
    input: CoordinatesInput;
    result: {
      part: VectorPart;
      /**
       * Largest deviations, relative to the norm: of the coordinates' norm, and of the products with a random unit vector of
       * coordinates and duals.
       */
      deviations: { norm: number; probe: number; dual: number };
    };
  };
  /** Finds the tokens of some partitions that are nearest to vectors that are not rows. */
  ranking: {
    input: RankingInput;
    result: {
      /** Of every vector, [vectors, LISTS, top]; keys are quotients of products with the scaled coordinates. */
      lists: ExtremeLists;
      /** Sums over the tokens, by their weights, of those products, and of their squares, [passes, 2, vectors]. */
      sums: Float64Array;
    };
  };
  /** Reads one partition whole, compares it with its checksums, and sums its columns. */
  columnSums: {
    input: PartitionInput;
    result: {
      /** sum_i p_ij, [d] */
      sums: Float64Array;
      problems: string[];
    };
  };
  /** Reads one partition, and says of its rows how long they are, and which may be equal. */
  rowFacts: {
    input: PartitionInput & {
      /** m, the mean of every column, and lambda: [d] each. */
      mean: Float64Array;
      eigenvalues: Float64Array;
      /** Random keys of the two hashes, [2, d]. */
      keys: BigUint64Array;
    };
    result: RowFacts;
  };
  /** Compares the rows of two groups, or of one, by products in float32, and keeps of each those that may be its nearest. */
  neighbourCandidates: { input: NeighbourCandidatesInput; result: UnitCandidates };
  /** Finds the nearest neighbours of a block of queries among all rows, by products in float32 first. */
  neighbours: {
    input: NeighboursInput;
    result: {
      /** In the order of the measures. */
      lists: NeighbourLists[];
    };
  };
  /** Finds the nearest neighbours of a few queries among the rows of one partition, all in float64. */
  nearestRows: {
    input: NearestRowsInput;
    result: {
      /** In the order of the measures. */
      lists: NeighbourLists[];
    };
  };
  /** Reads the projections of some tokens of one partition, float32 [tokens, d] row-major. */
  gather: { input: GatherInput; result: { rows: Float32Array } };
  /** Encodes the texts of some tokens, and says which of them come back. */
  reachability: {
    input: {
      /** Folder of the tokenizer. */
      directory: string;
      rows: RowRange;
      /** Milliseconds that some hundred tokens may take: a pattern of the tokenizer might never end. */
      limitMs: number;
    };
    result: {
      /** What each of the tokens is, as an index of `tokenClasses`. */
      classes: Uint8Array;
      /** What the texts of those that are not reached are encoded as. */
      encodings: { token: number; ids: number[] }[];
      /** Tokens whose texts cannot be encoded, and why. */
      failures: { token: number; problem: string }[];
      /** Remarks on the tokenizer, for a person. */
      notes: string[];
    };
  };
  /** Reads stored rows and hashes the sign and the exponent of every coordinate: 128 bits a row, two numbers each. */
  patterns: { input: { source: RowSource; rows: RowRange }; result: { patterns: BigUint64Array } };
  /** Takes the norms of rows of a matrix. */
  rowNorms: { input: { source: RowSource; rows: RowRange }; result: { norms: Float64Array } };
  /** Measures how near the tokens of one partition are to a reference. */
  indicators: { input: IndicatorsInput; result: TokenIndicators };
  /** Sums the products of the coordinates of pairs of rows. */
  crossProducts: {
    input: CrossProductsInput;
    result: {
      /** sum (a_i - s)^T (b_i - t), float64 [d, d']. */
      products: Float64Array;
      left: ShiftedSums;
      right: ShiftedSums;
      /** sum (a_i - s) ((b_i - t) . r), [d]. */
      probed: Float64Array;
    };
  };
  /** Measures picked rows in the causal metric of their run. */
  causalNorms: { input: CausalNormsInput; result: NormPart };
  /** Measures the way from each row of one run to its row of another. */
  displacements: {
    input: DisplacementsInput;
    result: {
      part: DisplacementPart;
      sums: DisplacementSums;
      /** Largest deviation of the coordinates' square from the displacement's, relative to that. */
      coordinates: number;
    };
  };
  /** Computes what finds the rows nearest to picked ones. */
  neighbourQueries: {
    input: CausalNormsInput;
    result: {
      /** M (gamma_q - mu), divided by its length, of every row, float64 [rows, d]. */
      queries: Float64Array;
    };
  };
  /** Finds the rows nearest to some of them, among picked rows. */
  nearestPicked: { input: NearestPickedInput; result: { lists: NeighbourLists } };
  /** Checks that files still hold what was recorded. */
  checksum: {
    input: { files: ((FileRecord | WrittenFile) & { absolutePath: string })[] };
    result: { problems: string[] };
  };
}

/** Name of a task. */
export type TaskName = keyof Tasks;

/** Setting that every thread of a pool is given when it starts. */
export interface WorkerSetting {
  /** One int32, not 0 from the moment that the run is interrupted. */
  interruption: SharedArrayBuffer;
}

/** What a thread is called with. */
export interface TaskCall<Name extends TaskName = TaskName> {
  /** Number of the call, under which its rows are reported; null where nobody asks for them. */
  call: number | null;
  input: Tasks[Name]['input'];
}

/** Message of a thread, now and then, while it works: so many rows of a task are done. */
export interface RowsDone {
  /** As `TaskCall` has it. */
  call: number;
  rows: number;
}

/** Input of `project`: one partition, and the files that it is written to. */
export interface ProjectInput {
  source: RowSource;
  rows: RowRange;
  eigenvectors: EigenvectorsReference;
  backend: BackendChoice;
  /** Threads of the product; where they are several, its copy of the eigenvectors is freed with the task. */
  threads: number;
  directory: string;
  /** The directory's lock, without which nothing is written; null where nobody locks it. */
  lock: LockClaim | null;
  /** Path of the Parquet file, relative to `directory`; null where none is wanted. */
  parquet: string | null;
  /** Path of the Arrow file, relative to `directory`; null where none is wanted. */
  arrow: string | null;
  /** Key-value metadata of the partition's files. */
  metadata: Record<string, string>;
  /** Whether the files are on the disk when the task ends; otherwise somebody syncs them later. */
  durable: boolean;
}

/** Input of `unit`. */
export interface UnitInput extends UnitName {
  /** Directory of the run, absolute. */
  directory: string;
  /** SHA-256 (hex) of its plan. */
  plan: string;
  /** The directory's lock, without which nothing is written; null where nobody locks it, and others compute as well. */
  lock: LockClaim | null;
  /** Who computes. */
  maker: Maker;
  /** Rows of the checkpoint, where they lie now: it may have been moved since the run was planned. */
  source: RowSource;
  /** Threads of its products. */
  threads: number;
  /** Rows that the unit is about, for whoever is told of them. */
  rows: { count: number };
}

/** What is known of rows, an entry a row. */
export interface RowFacts {
  /** Norms |p|, and those of q = p - m: |q|, and |q|_M by the metric. */
  norms: Float64Array;
  centredNorms: Float64Array;
  centredCausalNorms: Float64Array;
  /** Two hashes of the bits of every row, with keys that nobody knew before. */
  hashes: [BigUint64Array, BigUint64Array];
}

/** Coordinates sqrt(weight_j) (p_j - mean_j) that measures are taken in: [d] each. */
export interface Coordinates {
  mean: Float64Array;
  weights: Float64Array;
}

/** Coordinates, and what is known of all rows in them. */
export interface NeighbourSpace extends Coordinates {
  /** Norm of every row, [V]. */
  norms: Float64Array;
}

/** Vectors whose neighbours are wanted. */
export interface NeighbourQueries {
  /** The rows that they are, rising, which are none of their neighbours; -1 for vectors from outside. int32 [n] */
  own: Int32Array;
  /** Their projections, float32 [n, d] row-major; null where they are read as those of the rows that they are. */
  projections: Float32Array | null;
  /** Whether a measure that takes the mean row off the rows takes it off them, too. */
  isCentred: boolean;
}

/**
 * What neighbours are searched for in, and which. Of rows that are equal to the last bit, only the first is a query, and a
 * neighbour.
 */
export interface SearchInput {
  /** All partitions, in order. */
  partitions: PartitionInput[];
  /** Number of neighbours of each. */
  k: number;
  measures: NeighbourMeasure[];
  /** Those that the measures are taken in. */
  spaces: Partial<Record<SpaceName, NeighbourSpace>>;
  /** Whether a row is the first of those that are equal to it, uint8 [V]. */
  isFirst: Uint8Array;
  backend: BackendChoice;
}

/** Input of `neighbours`. */
export interface NeighboursInput extends SearchInput {
  queries: NeighbourQueries;
  /** What may be the nearest of them, in the order of the measures; null where nobody has compared them with all rows yet. */
  kept: KeptRows[] | null;
  /** The queries, for whoever is told of them. */
  rows: { count: number };
}

/** Input of `neighbourCandidates`: groups of rows, each int32 and rising, of which no row is among the equals of another. */
export interface NeighbourCandidatesInput extends SearchInput {
  group: Int32Array;
  /** Another group, whose rows come after those of the first; null where these are compared with each other. */
  other: Int32Array | null;
  /** Blocks of the first group that are multiplied at once. */
  blocks: RowRange[];
  /**
   * Scores that as many rows as are kept are known to have at least with each row of the groups, in the order of the measures;
   * -infinity where nothing is known. Rows that are not above are passed over.
   */
  floors: { group: Float32Array[]; other: Float32Array[] | null };
  /** As many rows as all comparisons of which are as many, for whoever is told of them. */
  rows: { count: number };
}

/** What two groups, or one, have that may be the nearest of each row: each in the order of the measures. */
export interface UnitCandidates {
  /** Of the rows of the first group, as they were compared as queries with others. */
  ofQueries: Candidates[];
  /** Of those that queries were compared with: the rows of the other group, or of the only one. */
  ofRows: Candidates[];
  seconds: number;
}

/** Input of `nearestRows`: a partition, and queries with their projections. */
export interface NearestRowsInput extends PartitionInput {
  queries: NeighbourQueries & { projections: Float32Array };
  k: number;
  measures: NeighbourMeasure[];
  /** Those that the measures are taken in. */
  spaces: Partial<Record<SpaceName, Coordinates>>;
}

/** One partition on disk, with its files as they were recorded. */
export interface PartitionInput {
  /** Hidden size d. */
  hidden: number;
  rows: RowRange;
  directory: string;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
  /** Key-value metadata that the partition's files must carry. */
  metadata: Record<string, string>;
}

/** Input of `export`: one partition, and the exports that its rows go to. */
export interface ExportInput extends PartitionInput {
  /** Stretches of the row-major exports that the rows fill. */
  slices: Slice[];
  /** The directory's lock, without which nothing is written; null where nobody locks it. */
  lock: LockClaim | null;
}

/** Input of `verify`: one partition, and what to measure it with. */
export interface VerifyInput extends PartitionInput {
  /** Whether the file cache is known not to hold the Parquet file, which is then read past it. */
  isUncached: boolean;
  /** Rows of the checkpoint; null where it is not at hand: then the projections are measured alone. */
  source: RowSource | null;
  /** lambda, [d]. */
  eigenvalues: Float64Array;
  /** Freivalds probe. */
  probe: Probe;
  /** How the products were summed. */
  summation: Summation;
  /** Entries of one size that an entry of an eigenvector is one of, on average, where that is most. */
  likeEntries: number;
  /** How the rows are weighed; absent where all are alike. */
  weighing?: RangeWeighing | undefined;
  /** Settings of the tables; null where none are wanted. */
  tables: TableSettings | null;
}

/** Weights of some rows, and what their moments are taken about. */
export interface RangeWeighing {
  /** [rows], their sum over all rows 1. */
  weights: Float64Array;
  /** m = mu V, [d]. */
  means: Float64Array;
}

/** Result of `verify`, all of it from the partition's bytes on disk. */
export interface VerifyResult extends Measurements {
  /** Files of the partition, with the SHA-256 of their bytes on disk. */
  files: VerifiedFile[];
  /** Part of the tables; null where none are wanted, or the files are not what they should be. */
  tables: TablePart | null;
}

/** Input of `coordinates`. */
export interface CoordinatesInput {
  source: GivenVectors;
  /** Vectors of the source. */
  rows: RowRange;
  kind: VectorKind;
  /** The final norm that vectors before it are taken through first; null where they meet the rows as they are. */
  fold: Fold | null;
  eigenvectors: EigenvectorsReference;
  backend: BackendChoice;
  spectrum: VectorSpectrum;
  /** Number of strongest directions of a vector. */
  places: number;
  /** Random unit vectors r with V r, and r' with V^T r', [d] each. */
  probe: Probe & { dualVector: Float64Array; dualImage: Float64Array };
  /** Where the coordinates of vector 0 are written, float32 row-major; null where nobody wants them. */
  coordinates: Slice | null;
  /** Where the dual of vector 0 is written, float32 row-major; null where nobody wants it. */
  duals: Slice | null;
  /** The directory's lock, without which nothing is written; null where nobody locks it. */
  lock: LockClaim | null;
}

/** Input of `ranking`. */
export interface RankingInput {
  hidden: number;
  /** Partitions whose tokens are ranked, which follow each other; their files are as they were recorded. */
  partitions: readonly PartitionInput[];
  /** All rows of the partitions. */
  rows: RowRange;
  /** Norms of these rows. */
  norms: { euclidean: Float64Array; causal: Float64Array };
  /** Weights of these rows, whose mean over all rows is 1, by which sums are taken; absent where all are alike. */
  weights?: Float64Array | undefined;
  /** Vectors for which they are ranked, of those whose coordinates lie in the file. */
  vectors: RowRange;
  /** Where the coordinates of vector 0 begin, float32 row-major. */
  coordinates: Slice;
  passes: readonly VectorPass[];
  /** Of every pass the powers of 2 by which the coordinates of each vector are divided. */
  scales: readonly Float64Array[];
  /** Number of tokens in each list. */
  top: number;
  backend: BackendChoice;
}

/** Input of `gather`: one partition, whose files are as they were recorded, and some of its tokens, ascending. */
export interface GatherInput extends PartitionInput {
  tokens: Int32Array;
}

/** Input of `indicators`: one partition, whose files are as they were recorded, and what its tokens are compared with. */
export interface IndicatorsInput extends PartitionInput {
  /** Mean of the reference, in the coordinates of the eigenbasis, [d]. */
  reference: Float64Array;
  /** Mean of all rows, [d]. */
  mean: Float64Array;
  /** lambda, [d]. */
  eigenvalues: Float64Array;
}

/** Sums of the columns of shifted rows, and the sum of all squares. */
export interface ShiftedSums {
  sums: Float64Array;
  squares: number;
}

/** Input of `crossProducts`: pairs of rows, of which the lists have these alone. */
export interface CrossProductsInput {
  rows: RowRange;
  left: PickedRows;
  right: PickedRows;
  /** Rows s, [d], and t, [d'], near the means, which are taken off first so that little cancels. */
  shifts: { left: Float64Array; right: Float64Array };
  /** Random unit vector r, [d']. */
  probe: Float64Array;
  backend: BackendChoice;
}

/** Input of `causalNorms` and `neighbourQueries`: rows, of which the list has these alone. */
export interface CausalNormsInput {
  rows: RowRange;
  picked: PickedRows;
  /** Mean row, [d]. */
  mean: Float64Array;
  /** lambda, [d]. */
  eigenvalues: Float64Array;
  eigenvectors: EigenvectorsReference;
  backend: BackendChoice;
}

/** Input of `displacements`: pairs of rows of one hidden size, of which the lists have these alone. */
export interface DisplacementsInput {
  rows: RowRange;
  left: PickedRows;
  right: PickedRows;
  /** lambda of the left run, [d]. */
  eigenvalues: Float64Array;
  /** Eigenvectors of the left run. */
  eigenvectors: EigenvectorsReference;
  /** Mean of the left rows, divided by its norm, [d]; NaN where that is 0. */
  direction: Float64Array;
  bands: readonly Band[];
  backend: BackendChoice;
}

/** Input of `nearestPicked`: rows, of which the list has these alone. */
export interface NearestPickedInput {
  /** Places of the rows among all. */
  rows: RowRange;
  picked: PickedRows;
  /** Mean row, [d]. */
  mean: Float64Array;
  /** Norms of these rows without the mean row: their lengths, and those in the causal metric. */
  norms: { centred: Float64Array; causal: Float64Array };
  /** As `neighbourQueries` has computed them, float64 [queries, d]. */
  queries: Float64Array;
  /** Places of the queries among all rows, int32 [queries]. */
  queryRows: Int32Array;
  /** Rows in each list. */
  places: number;
  backend: BackendChoice;
}
