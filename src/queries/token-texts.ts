import type { Manifest } from '../output/manifest.js';
import { openTable } from '../output/open-table.js';

/** Texts of all tokens, [V], as tokens.parquet has them; null without tables. */
export async function tokenTexts(directory: string, { tables }: Manifest): Promise<(string | null)[] | null> {
  if (tables === null) return null;
  const texts = await (await openTable({ directory, tables }, 'tokens')).values('text');
  return Array.from(texts, (text) => (text ?? null) as string | null);
}
