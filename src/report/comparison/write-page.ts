import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FileRecord } from '../../files/file-record.js';
import { writeFileAtomically } from '../../files/partial-file.js';
import type { ComparisonResults } from '../../output/comparison-folder.js';
import { COMPARISON_PAGE_NAME } from '../../output/comparison-names.js';
import type { BandFigures } from '../../tables/band-table.js';
import type { DisplacementFigures } from '../../tables/displacement-table.js';
import { readAssets } from '../html-page.js';
import { gzipOf, packPart } from '../packed-part.js';
import { comparisonArrays } from './arrays.js';
import { renderComparison } from './page.js';

/** What the page of a comparison shows. */
export interface ShownComparison {
  results: ComparisonResults;
  tokens: DisplacementFigures;
  bands: BandFigures;
}

/** Writes `compare.html` into a folder. Its bytes follow from what was found alone. */
export async function writeComparisonPage(
  folder: string,
  { results, tokens, bands: figures }: ShownComparison,
): Promise<FileRecord> {
  const { arrays, bands } = comparisonArrays(tokens, figures);
  const part = await packPart(arrays);
  const { a, b } = results;
  const head = { a: a.model, b: b.model, rows: a.rows, hidden: a.hidden, bands, entries: part.entries };
  const page = Buffer.from(renderComparison(results, head, gzipOf([part]), readAssets('comparison.js')));
  writeFileAtomically(path.join(folder, COMPARISON_PAGE_NAME), [page]);
  return {
    path: COMPARISON_PAGE_NAME,
    bytes: page.length,
    sha256: createHash('sha256').update(page).digest('hex'),
  };
}
