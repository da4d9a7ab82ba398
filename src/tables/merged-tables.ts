import { addTo } from '../linalg/add-to.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { freeBuffer } from '../linalg/free-buffer.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { inOrder } from '../plan/in-order.js';
import type { RowRange } from '../plan/row-ranges.js';
import { logOfSum } from './exponential-sums.js';
import { Extremes } from './extremes.js';
import { FineHistograms } from './fine-histograms.js';
import {
  COLUMN_ALIGNMENTS,
  COLUMN_SUMS,
  type TablePart,
  type TableSettings,
  type TableSize,
  type TokenPart,
  tableSettings,
} from './part.js';

/** Sums of a part that are added up in the order of the partitions. */
type ColumnSums = Pick<TablePart, 'columnSums' | 'cosineSums' | 'exponentials'>;

/**
 * Tables of a run as they grow, part by part. Counts, lists and tokens are merged as parts arrive, which gives the
 * same in any order; sums, in float64, in the order of the partitions. So what is kept does not grow with the number of
 * partitions.
 */
export class MergedTables {
  /** Number of tokens V. */
  readonly rows: number;
  readonly settings: TableSettings;
  /** Number of rows of zeros. */
  zeroRows = 0;
  /** Figures of all tokens: [V], of their directions [V, places]. */
  readonly tokens: TokenPart;
  /** [d, COLUMN_SUMS], as in TablePart. */
  readonly columnSums: Float64Array;
  /** [d], as in TablePart. */
  readonly cosineSums: Float64Array;
  /** [d, 2], as in TablePart; null where nobody asks for them. */
  readonly exponentials: Float64Array | null;
  /** int32 [d, COLUMN_ALIGNMENTS], as in TablePart. */
  readonly aligned: Int32Array;
  /** Counts of z, int32 [d, bins]. */
  readonly histogram: Int32Array;
  readonly fine: FineHistograms;
  readonly extremes: Extremes;
  readonly #addSums: (sums: ColumnSums, index: number) => void;

  /**
   * Begins without a part.
   * @param rows V
   * @param settings settings of the parts
   * @param lambda eigenvalues, [d]
   */
  constructor(rows: number, settings: TableSettings, lambda: Float64Array) {
    const d = settings.means.length;
    this.rows = rows;
    this.settings = settings;
    this.tokens = emptyTokens(rows, settings.places);
    this.columnSums = new Float64Array(d * COLUMN_SUMS);
    this.cosineSums = new Float64Array(d);
    this.exponentials = settings.hasExponentials
      ? new Float64Array(2 * d).fill(Number.NEGATIVE_INFINITY)
      : null;
    this.aligned = new Int32Array(d * COLUMN_ALIGNMENTS);
    this.histogram = new Int32Array(d * settings.bins.bins);
    this.fine = new FineHistograms(lambda.map(Math.sqrt));
    this.extremes = new Extremes(d, settings.top);
    this.#addSums = inOrder(({ columnSums, cosineSums, exponentials }) => {
      addTo(this.columnSums, columnSums);
      addTo(this.cosineSums, cosineSums);
      for (const [k, sum] of (exponentials ?? []).entries())
        this.exponentials![k] = logOfSum(this.exponentials![k]!, sum);
    });
  }

  /** Takes the part of partition `index`, which has the rows `rows`, and frees it. */
  add(part: TablePart, rows: RowRange, index: number): void {
    this.zeroRows += part.zeroRows;
    for (const [name, values] of Object.entries(part.tokens)) {
      this.tokens[name as keyof TokenPart].set(values, (values.length / rows.count) * rows.first);
    }
    addCounts(this.aligned, part.aligned);
    addCounts(this.histogram, part.histogram);
    this.fine.add({ ...part, counts: part.fineCounts });
    this.extremes.add(part.extremes);
    const { columnSums, cosineSums, exponentials } = part;
    this.#addSums({ columnSums, cosineSums, ...(exponentials === undefined ? {} : { exponentials }) }, index);
    // Megabytes each: the next parts come before the garbage collector does.
    for (const large of [part.fineCounts, part.histogram, part.extremes.keys, part.extremes.tokens]) {
      freeBuffer(large.buffer as ArrayBuffer);
    }
  }
}

/**
 * Tables of a run before their first part.
 *
 * @param mean mu, [d]
 */
export function emptyTables(
  { eigenvalues, eigenvectors }: Pick<StoredEigenbasis, 'eigenvalues' | 'eigenvectors'>,
  mean: Float64Array,
  size: TableSize,
): MergedTables {
  const settings = tableSettings(eigenvalues, rowTimesMatrix(mean, eigenvectors), size);
  return new MergedTables(size.rows, settings, eigenvalues);
}

function emptyTokens(rows: number, places: number): TokenPart {
  return {
    norm: new Float64Array(rows),
    causalNorm: new Float64Array(rows),
    centredNorm: new Float64Array(rows),
    causalCentredNorm: new Float64Array(rows),
    centroidCosine: new Float64Array(rows),
    causalCentroidCosine: new Float64Array(rows),
    participation: new Float64Array(rows),
    normError: new Float64Array(rows),
    directions: new Int32Array(rows * places),
    directionValues: new Float64Array(rows * places),
  };
}

function addCounts(counts: Int32Array, values: Int32Array): void {
  for (let k = 0; k < counts.length; k++) counts[k]! += values[k]!;
}
