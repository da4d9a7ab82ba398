import type { ParquetColumns } from '../formats/parquet-columns.js';
import type { Manifest, RunResults } from '../output/manifest.js';
import { openTable, withoutTables } from '../output/open-table.js';
import type { RecordedProjections } from '../output/read-projections.js';
import type { ReportHead } from './contents.js';
import { compressedBytes, type PackedPart, packPart } from './packed-part.js';
import { smallRunZ } from './small-run-z.js';
import { directionParts, directionStep, shownDirections } from './tables/directions.js';
import { eigenvectorArrays } from './tables/eigenvectors.js';
import { extremeArrays } from './tables/extremes.js';
import { histogramArrays } from './tables/histograms.js';
import { readLists, shownNeighbours } from './tables/neighbours.js';
import { tokenArrays } from './tables/tokens.js';

/** Contents of a report: all that it shows of a run's tables. */
export interface ReportContents {
  head: ReportHead;
  /** Arrays that `head.entries` describes, in its order. */
  parts: PackedPart[];
}

/** Bytes of the arrays, compressed, that make a page of 12 MB: base64 adds a third, and the script has its share. */
const MAX_COMPRESSED = 8_850_000;

/**
 * Reads what the report shows of a run: its four tables, its neighbours where it has any, and of a small run all z.
 * @throws InputError where the run has no tables, or one is missing, damaged, or of another shape
 */
export async function readContents(
  directory: string,
  results: RecordedProjections &
    Pick<RunResults, 'metric' | 'tables'> &
    Partial<Pick<Manifest, 'neighbours'>>,
): Promise<ReportContents> {
  const { model, metric, tables } = results;
  if (tables === null) throw withoutTables(directory);
  const { name, rows, hidden } = model;
  const tokenTable = await openTable({ directory, tables }, 'tokens', rows);
  const step = await directionStep(tokenTable);
  // The directions are most of the bytes: they are compressed while the rest is read.
  const [places, { part, tokens, extremes, eigenvectors }] = await Promise.all([
    directionParts(tokenTable, step),
    packBesideDirections(directory, { ...results, tables }, { tokenTable, step }),
  ]);
  const room = MAX_COMPRESSED - compressedBytes(part);
  const lists = await readLists(directory, { neighbours: results.neighbours ?? null });
  // Directions have what neighbours leave.
  const near = await shownNeighbours(lists, rows, room / 2);
  const taken = near.parts.reduce((sum, one) => sum + compressedBytes(one), 0);
  const strongest = shownDirections(places, room - taken);
  const parts = [part, ...strongest.parts, ...near.parts];
  const head = {
    model: name,
    rows,
    hidden,
    ridge: metric.ridge,
    clusterThreshold: tables.clusterThreshold,
    ...tokens.head,
    ...extremes.head,
    directions: strongest.directions,
    neighbours: near.neighbours,
    directionStep: step,
    histogram: tables.histogram,
    quantileError: tables.quantileError,
    eigenvectorColumns: eigenvectors.columns,
    entries: parts.flatMap(({ entries }) => entries),
  };
  return { head, parts };
}

/** Packs all of the tables but the directions of the tokens, and z of a small run. */
async function packBesideDirections(
  directory: string,
  results: RecordedProjections & { tables: NonNullable<Manifest['tables']> },
  { tokenTable, step }: { tokenTable: ParquetColumns; step: number },
) {
  const { tables } = results;
  const run = { directory, tables };
  const { rows, hidden } = results.model;
  const eigenvectors = await eigenvectorArrays(await openTable(run, 'eigenvectors', hidden));
  const extremes = await extremeArrays(await openTable(run, 'extremes'), { rows, hidden });
  const histograms = await histogramArrays(await openTable(run, 'histograms'), {
    hidden,
    bins: tables.histogram.bins,
  });
  const tokens = await tokenArrays(tokenTable);
  const lambda = eigenvectors.arrays['eigenvector.eigenvalue']!;
  const part = await packPart({
    ...eigenvectors.arrays,
    ...extremes.arrays,
    ...histograms,
    ...tokens.arrays,
    ...(await smallRunZ(directory, results, { lambda, step })),
  });
  return { part, tokens, extremes, eigenvectors };
}
