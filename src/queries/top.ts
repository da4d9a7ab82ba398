import { InputError } from '../errors.js';
import { eigenvectorColumn } from '../formats/parquet.js';
import { openParquetColumns } from '../formats/parquet-columns.js';
import { refuseDamagedBasis } from '../output/eigenbasis-file.js';
import type { Manifest } from '../output/manifest.js';
import { openTable, type TablesOfRun, withoutTables } from '../output/open-table.js';
import { refuseOtherSize } from '../output/refuse-damaged.js';
import { runFile } from '../output/run-file.js';
import { degrees } from '../tables/degrees.js';
import { type Measure, type Side, sides } from '../tables/measures.js';
import { counted } from '../text/figures.js';

/** Request for the tokens that lie farthest along an eigenvector. */
export interface TopRequest {
  /** Index of the eigenvector, ascending lambda. */
  eigenvector: number;
  sides: readonly Side[];
  measure: Measure;
  /** Number of tokens a side. */
  count: number;
}

/** Token by how far it lies along an eigenvector; the names are those of the columns of extremes.parquet. */
export interface TopToken {
  side: Side;
  place: number;
  token_id: number;
  text: string | null;
  /** Value of the measure: projection or cosine. */
  value: number;
  /**
   * Angle in degrees: from the causal cosine for that measure, from the Euclidean one otherwise; null for a zero row.
   */
  angle: number | null;
}

/**
 * Finds the index of an eigenvector that is asked for by its place from either end.
 *
 * @param asked 0, 1, ... by ascending lambda, or -1, -2, ... from the largest on
 * @throws InputError where there is none
 */
export function eigenvectorIndex(directory: string, { model: { hidden } }: Manifest, asked: number): number {
  const index = asked < 0 ? hidden + asked : asked;
  if (index >= 0 && index < hidden) return index;
  throw new InputError(
    `${directory}: has no eigenvector ${asked}; its indices are 0 to ${hidden - 1} (ascending lambda), or -1 to ` +
      `-${hidden} from the end`,
  );
}

/**
 * Finds the tokens that lie farthest along one eigenvector: from extremes.parquet, or, where more are asked for than it
 * holds, from the Parquet partitions.
 * @returns a side after the other, as `request.sides` has them; fewer than asked for where the vocabulary ends
 * @throws InputError where there is no such eigenvector, or the run has nothing to compute more tokens from
 */
export async function topTokens(
  directory: string,
  manifest: Manifest,
  request: TopRequest,
): Promise<TopToken[]> {
  const { count } = request;
  eigenvectorIndex(directory, manifest, request.eigenvector);
  const { tables } = manifest;
  if (tables === null) throw withoutTables(directory);
  await refuseDamagedBasis(directory, manifest);
  const run = { directory, tables };
  const stored = await storedTokens(run, request);
  // A shorter list than asked for of the run holds all tokens that there are.
  if (count <= stored.places || stored.places < tables.top) return stored.tokens;
  return computedTokens(run, manifest, request, stored.places);
}

/** Tokens that extremes.parquet holds of the request, and the number of places that it has in all. */
async function storedTokens(
  run: TablesOfRun,
  { eigenvector, sides: wanted, measure, count }: TopRequest,
): Promise<{ tokens: TopToken[]; places: number }> {
  const table = await openTable(run, 'extremes');
  // Its rows are sorted by eigenvector.
  const index = await table.numbers('index');
  const first = index.indexOf(eigenvector);
  const rows =
    first < 0 ? { first: 0, count: 0 } : { first, count: index.lastIndexOf(eigenvector) + 1 - first };
  const [place, tokenId, value, angle] = await Promise.all(
    ['place', 'token_id', 'value', 'angle'].map((column) => table.numbers(column, rows)),
  );
  const [side, measures, text] = await Promise.all(
    ['side', 'measure', 'text'].map((column) => table.values(column, rows)),
  );
  const tokens: TopToken[] = [];
  let places = 0;
  for (let k = 0; k < rows.count; k++) {
    if (measures![k] !== measure) continue;
    places = Math.max(places, place![k]!);
    if (!wanted.includes(side![k] as Side) || place![k]! > count) continue;
    tokens.push({
      side: side![k] as Side,
      place: place![k]!,
      token_id: tokenId![k]!,
      text: (text![k] ?? null) as string | null,
      value: value![k]!,
      angle: angle![k]!,
    });
  }
  const order = ({ side: at }: TopToken) => sides.indexOf(at);
  return { tokens: tokens.sort((a, b) => order(a) - order(b) || a.place - b.place), places };
}

async function computedTokens(
  run: TablesOfRun,
  manifest: Manifest,
  { eigenvector, sides: wanted, measure, count }: TopRequest,
  stored: number,
): Promise<TopToken[]> {
  const p = await projectionColumn(run.directory, manifest, eigenvector, stored);
  const tokens = await openTable(run, 'tokens');
  const lambda = (await (await openTable(run, 'eigenvectors')).numbers('eigenvalue'))[eigenvector]!;
  const isCausal = measure === 'causal_cosine';
  const norms = await tokens.numbers(isCausal ? 'causal_norm' : 'norm');
  const scale = isCausal ? Math.sqrt(lambda) : 1;
  // A zero row has no cosine.
  const cosines = p.map((value, i) => (norms[i]! > 0 ? (scale * value) / norms[i]! : Number.NaN));
  const values = measure === 'projection' ? p : cosines;
  const texts = await tokens.values('text');
  return wanted.flatMap((side) =>
    farthest(values, side, count).map((id, k) => ({
      side,
      place: k + 1,
      token_id: id,
      text: (texts[id] ?? null) as string | null,
      value: values[id]!,
      angle: Number.isNaN(cosines[id]) ? null : degrees(cosines[id]!),
    })),
  );
}

/** Ids of the `count` tokens farthest on a side, ties to the lowest id; those without a value are left out. */
function farthest(values: Float64Array, side: Side, count: number): number[] {
  const sign = side === '+' ? -1 : 1;
  const sorted = values
    .filter((value) => !Number.isNaN(value))
    .map((value) => sign * value)
    .sort();
  // What is beyond it cannot be among them, and to sort all ids by their values would take long.
  const last = sorted[Math.min(count, sorted.length) - 1]!;
  const ids: number[] = [];
  for (let id = 0; id < values.length; id++) if (sign * values[id]! <= last) ids.push(id);
  return ids.sort((a, b) => sign * (values[a]! - values[b]!) || a - b).slice(0, count);
}

/** Projections p of all tokens on one eigenvector, [V], from the partitions. */
async function projectionColumn(
  directory: string,
  { partitions, model }: Manifest,
  eigenvector: number,
  stored: number,
): Promise<Float64Array> {
  const column = new Float64Array(model.rows);
  for (const { first, count, files } of partitions) {
    const file = files.find(({ path: name }) => name.endsWith('.parquet'));
    if (file === undefined) {
      throw new InputError(
        `${directory}: holds ${counted(stored, 'token')} a side; more are computed from Parquet partitions, which this run ` +
          `does not have. Ask for -k ${stored} or fewer, or make the run with --format both`,
      );
    }
    // Not its checksum: of all partitions this would read gigabytes for one column.
    const place = runFile(directory, file.path);
    refuseOtherSize(place, file.bytes);
    const partition = await openParquetColumns(place, 'the partition');
    if (partition.rows !== count) {
      throw new InputError(
        `${file.path}: holds ${partition.rows} rows, not ${count}. The run's own command with --resume --checksums makes it again`,
      );
    }
    column.set(await partition.numbers(eigenvectorColumn(eigenvector, model.hidden)), first);
  }
  return column;
}
