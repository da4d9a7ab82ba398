import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { createPartialFile } from '../files/partial-file.js';
import type { Manifest } from '../output/manifest.js';
import { readNeighbourLists } from '../output/neighbours-file.js';
import type { NeighbourMeasure } from '../tables/neighbour-measures.js';
import { tokenTexts } from './token-texts.js';

/** Tokens that are written at once. */
const LINES = 4096;

/** Refuses a file that is not to be written. @throws InputError where it has another ending, exists, or has no folder */
export function refuseAtlas(file: string): void {
  if (!/\.jsonl?$/i.test(file))
    throw new InputError(`--atlas ${file}: expected a name that ends with .json or .jsonl`);
  if (existsSync(file))
    throw new InputError(`--atlas ${file}: exists already; move it away, or give another name`);
  const folder = path.dirname(path.resolve(file));
  if (!existsSync(folder))
    throw new InputError(`--atlas ${file}: there is no folder ${folder}; make it first`);
}

/**
 * Writes the tokens of a run with their neighbours as embedding-atlas reads them: an object a token, with `token_id`, `text`
 * and `neighbors`, the column for its --neighbors. A name that ends with .jsonl gets an object a line, another one array.
 *
 * @param file absolute path, or one relative to the working directory
 */
export async function writeAtlas(
  file: string,
  directory: string,
  manifest: Manifest,
  measure: NeighbourMeasure,
): Promise<void> {
  const lists = await readNeighbourLists(directory, manifest, measure);
  const texts = await tokenTexts(directory, manifest);
  const isArray = /\.json$/i.test(file);
  const target = createPartialFile(path.resolve(file));
  try {
    for (let first = 0; first < lists.length; first += LINES) {
      const lines = lists.slice(first, first + LINES).map(({ ids, values }, k) => {
        const id = first + k;
        const neighbors = { ids: ids ?? [], distances: values ?? [] };
        const before = isArray ? (id === 0 ? '[\n' : ',\n') : '';
        const line = JSON.stringify({ token_id: id, text: texts?.[id] ?? '', neighbors });
        return `${before}${line}${isArray ? '' : '\n'}`;
      });
      target.write(Buffer.from(lines.join('')));
    }
    if (isArray) target.write(Buffer.from('\n]\n'));
    target.commit({ durable: true });
  } finally {
    target.discard();
  }
}
