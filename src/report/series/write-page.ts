import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileRecord } from '../../files/file-record.js';
import { writeFileAtomically } from '../../files/partial-file.js';
import type { SeriesResults } from '../../output/series-folder.js';
import { SERIES_PAGE_NAME } from '../../output/series-names.js';
import { seriesFigures } from '../../output/series-table.js';
import { readAssets } from '../html-page.js';
import type { PackedArray } from '../packed-arrays.js';
import { gzipOf, packPart } from '../packed-part.js';
import { packedTexts } from '../packed-texts.js';
import { MOST_MOVED, type MovedList, type MovedTokens } from './moved-tokens.js';
import { renderSeries } from './page.js';

/** What the page of a series shows. */
export interface ShownSeries {
  results: SeriesResults;
  /** Texts of all tokens, null where one has none. */
  texts: readonly (string | null)[];
  /** Of every step. */
  moved: readonly MovedTokens[];
}

/** Writes `series.html` into a folder. Its bytes follow from what was found alone. */
export async function writeSeriesPage(folder: string, shown: ShownSeries): Promise<FileRecord> {
  const part = await packPart(arraysOf(shown));
  const { rows, steps } = shown.results;
  const head = {
    steps: steps.map(({ run }) => path.basename(run.directory)),
    ...{ rows, places: MOST_MOVED, entries: part.entries },
  };
  const html = renderSeries(shown.results, head, gzipOf([part]), readAssets('series.js'));
  const page = Buffer.from(html);
  writeFileAtomically(path.join(folder, SERIES_PAGE_NAME), [page]);
  return {
    path: SERIES_PAGE_NAME,
    bytes: page.length,
    sha256: createHash('sha256').update(page).digest('hex'),
  };
}

/** Arrays of the page, see `SeriesHead`. */
function arraysOf({ results, texts, moved }: ShownSeries): Record<string, PackedArray> {
  const figures = Object.entries(seriesFigures(results.steps)).map(
    ([name, values]) => [`step.${name}`, Float32Array.from(values)] as const,
  );
  const lists = {
    before: moved.map(({ fromBefore }) => fromBefore),
    first: moved.map(({ fromFirst }) => fromFirst),
  };
  const named = [...new Set([...lists.before, ...lists.first].flatMap(({ tokens }) => tokens))].sort(
    (a, b) => a - b,
  );
  return {
    ...Object.fromEntries(figures),
    ...listArrays('before', lists.before),
    ...listArrays('first', lists.first),
    named: Int32Array.from(named),
    ...packedTexts(named.map((token) => texts[token])),
  };
}

function listArrays(from: string, lists: readonly MovedList[]): Record<string, PackedArray> {
  const size = lists.length * MOST_MOVED;
  const tokens = new Int32Array(size).fill(-1);
  const norms = new Float32Array(size);
  const causalNorms = new Float32Array(size);
  for (const [step, list] of lists.entries()) {
    tokens.set(list.tokens, step * MOST_MOVED);
    norms.set(list.norm, step * MOST_MOVED);
    causalNorms.set(list.causalNorm, step * MOST_MOVED);
  }
  return {
    [`moved.${from}.token`]: tokens,
    [`moved.${from}.norm`]: norms,
    [`moved.${from}.causal_norm`]: causalNorms,
  };
}
