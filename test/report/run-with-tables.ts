import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { parquetWriteFile } from 'hyparquet-writer';
import type { FinishedRun } from '../../src/coordinator.js';
import { readBasis, readProjections, runHere, shardedModel } from '../helpers/runs.js';
import { scratchDirectory } from '../input/fixtures.js';

const ROWS = 300;
const HIDDEN = 24;
/** Places a side and measure. */
export const TOP = 5;
const BINS = 40;

/** Texts that would do harm where they were taken for HTML, script, or a terminal's own commands. */
const texts = [
  '</script><script>document.title="run"</script>',
  '<img src=x onerror=alert(1)>',
  '\u001b[31mred',
  '"',
  ' the',
  '国\n',
];

/** A finished run of 300 x 24 with the tables of its projections, computed by plain loops. */
export async function runWithTables(t: ExecutionContext): Promise<FinishedRun> {
  const model = shardedModel(t, ROWS, HIDDEN).directory;
  const run = await runHere({ model, out: path.join(scratchDirectory(t), 'run'), partitionRows: 100 });
  await writeTables(run.directory);
  return run;
}

async function writeTables(directory: string): Promise<void> {
  const { values: p } = await readProjections(directory);
  const { eigenvalues: lambda } = await readBasis(directory, HIDDEN);
  const ids = Array.from({ length: ROWS }, (_, i) => i);
  const indices = Array.from({ length: HIDDEN }, (_, j) => j);
  const z = (i: number, j: number) => Math.sqrt(lambda[j]!) * p[i * HIDDEN + j]!;
  const column = (j: number) => ids.map((i) => p[i * HIDDEN + j]!);
  const norm = ids.map((i) => Math.hypot(...indices.map((j) => p[i * HIDDEN + j]!)));
  const causalNorm = ids.map((i) => Math.hypot(...indices.map((j) => z(i, j))));
  const text = ids.map((i) => (i >= 290 ? null : (texts[i] ?? ` word${i}`)));
  const degrees = (cosine: number) => (Math.acos(cosine) * 180) / Math.PI;
  const write = (file: string, columns: Record<string, unknown[]>) =>
    parquetWriteFile({
      filename: path.join(directory, `${file}.parquet`),
      columnData: Object.entries(columns).map(([name, data]) => ({ name, data, type: typeOf(name) })),
    });

  const directions = ids.map((i) =>
    indices.toSorted((a, b) => Math.abs(z(i, b)) - Math.abs(z(i, a)) || a - b),
  );
  write('tokens', {
    token_id: ids,
    text,
    is_orphan: text.map((value) => value === null),
    is_special: ids.map((i) => i < 2),
    duplicate_group: ids.map((i) => (i >= 290 ? 290 : null)),
    norm,
    causal_norm: causalNorm,
    distortion: ids.map((i) => causalNorm[i]! / norm[i]!),
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, place) => [
        [`direction_${place + 1}`, ids.map((i) => directions[i]![place]!)],
        [`direction_${place + 1}_z`, ids.map((i) => z(i, directions[i]![place]!))],
      ]).flat() as [string, number[]][],
    ),
    norm_error: ids.map((i) => i * 1e-9),
  });
  writeEigenvectors();
  writeExtremes();
  const [lower, width] = [-8, 16 / BINS];
  const cells = indices.flatMap((j) => Array.from({ length: BINS }, (_, bin) => [j, bin] as const));
  const binOf = (value: number) => Math.min(BINS - 1, Math.max(0, Math.floor((value - lower) / width)));
  write('histograms', {
    index: cells.map(([j]) => j),
    bin: cells.map(([, bin]) => bin),
    lower: cells.map(([, bin]) => lower + bin * width),
    upper: cells.map(([, bin]) => lower + (bin + 1) * width),
    count: cells.map(([j, bin]) => ids.filter((i) => binOf(z(i, j)) === bin).length),
  });

  function writeEigenvectors(): void {
    const mean = indices.map((j) => column(j).reduce((sum, value) => sum + value, 0) / ROWS);
    const least = indices.map((j) => Math.min(...column(j)));
    const most = indices.map((j) => Math.max(...column(j)));
    const spread = (values: readonly number[]) => {
      const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
    };
    const angles = (metric: string, cosine: (i: number, j: number) => number) => {
      const all = indices.map((j) => ids.map((i) => degrees(cosine(i, j))));
      const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / ROWS;
      return {
        [`${metric}_angle_mean`]: all.map(average),
        [`${metric}_angle_std`]: all.map(spread),
        [`${metric}_angle_minimum`]: all.map((values) => Math.min(...values)),
        [`${metric}_angle_maximum`]: all.map((values) => Math.max(...values)),
        [`${metric}_folded_angle_mean`]: all.map((values) =>
          average(values.map((angle) => Math.min(angle, 180 - angle))),
        ),
      };
    };
    const quantiles = ['01', '05', '10', '25', '50', '75', '90', '95', '99'].map((percent) => [
      `quantile_${percent}`,
      indices.map((j) => column(j).sort((a, b) => a - b)[Math.floor((Number(percent) / 100) * ROWS)]!),
    ]);
    write('eigenvectors', {
      index: indices,
      rank_by_variance: indices.map((j) => j + 1),
      lambda: [...lambda],
      covariance_eigenvalue: [...lambda].map((value) => 1 / value - 1e-6),
      relative_gap: indices.map(() => 0.1),
      cluster: indices,
      mean,
      variance: indices.map((j) => spread(column(j)) ** 2),
      skewness: indices.map(() => 0),
      kurtosis: indices.map(() => 3),
      minimum: least,
      maximum: most,
      minimum_token_id: indices.map((j) => column(j).indexOf(least[j]!)),
      maximum_token_id: indices.map((j) => column(j).indexOf(most[j]!)),
      extent_minimum: indices.map((j) => Math.sqrt(lambda[j]!) * least[j]!),
      extent_maximum: indices.map((j) => Math.sqrt(lambda[j]!) * most[j]!),
      diameter: indices.map((j) => Math.sqrt(lambda[j]!) * (most[j]! - least[j]!)),
      ...angles('euclidean', (i, j) => p[i * HIDDEN + j]! / norm[i]!),
      ...angles('causal', (i, j) => z(i, j) / causalNorm[i]!),
      ...Object.fromEntries(quantiles),
      centroid_coordinate: mean,
      centroid_share: indices.map(() => 1 / HIDDEN),
    });
  }

  function writeExtremes(): void {
    const measures = {
      projection: (i: number, j: number) => p[i * HIDDEN + j]!,
      euclidean_cosine: (i: number, j: number) => p[i * HIDDEN + j]! / norm[i]!,
      causal_cosine: (i: number, j: number) => z(i, j) / causalNorm[i]!,
    };
    const rows = indices.flatMap((j) =>
      Object.entries(measures).flatMap(([measure, value]) =>
        ['+', '-'].flatMap((side) => {
          const sign = side === '+' ? -1 : 1;
          const sorted = ids.toSorted((a, b) => sign * (value(a, j) - value(b, j)) || a - b);
          const cosine = measure === 'causal_cosine' ? measures.causal_cosine : measures.euclidean_cosine;
          return sorted.slice(0, TOP).map((id, k) => ({
            index: j,
            side,
            measure,
            place: k + 1,
            token_id: id,
            text: text[id],
            value: value(id, j),
            angle: degrees(cosine(id, j)),
          }));
        }),
      ),
    );
    const names = ['index', 'side', 'measure', 'place', 'token_id', 'text', 'value', 'angle'] as const;
    write('extremes', Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])));
  }
}

function typeOf(name: string): 'STRING' | 'BOOLEAN' | 'INT32' | 'DOUBLE' {
  if (/^(text|side|measure)$/.test(name)) return 'STRING';
  if (/^is_/.test(name)) return 'BOOLEAN';
  return /^(token_id|index|place|bin|count|cluster|rank_by_variance|duplicate_group|direction_\d+|m..imum_token_id)$/.test(
    name,
  )
    ? 'INT32'
    : 'DOUBLE';
}
