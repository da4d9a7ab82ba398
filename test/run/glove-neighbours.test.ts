import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { writeCheckpointDirectory } from '../../src/input/write-checkpoint.js';
import { readManifest } from '../../src/output/manifest.js';
import { readNeighbourLists } from '../../src/output/neighbours-file.js';
import { findNeighbours } from '../../src/run/find-neighbours.js';
import { bruteNeighbours } from '../helpers/brute-neighbours.js';
import { campaignLack } from '../helpers/campaign.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { readBasis, readProjections, runHere } from '../helpers/runs.js';
import { testUnless } from '../helpers/test-unless.js';

/** Compiled, this file is dist/test/run/glove-neighbours.test.js of the checkout. */
const glove = path.resolve(import.meta.dirname, '../../../data/glove-350k');
const lack = existsSync(glove) ? null : '`npm run sample` has not been called';

const [ROWS, HIDDEN, K] = [20_000, 100, 20];

/** Writes the most frequent words of the sample as a checkpoint of their own. */
async function writeMostFrequent(directory: string): Promise<void> {
  const { source } = await openCheckpoint(glove);
  const bytes = readFileSync(source.file).subarray(
    source.byteOffset,
    source.byteOffset + ROWS * HIDDEN * Float32Array.BYTES_PER_ELEMENT,
  );
  const { vocab } = JSON.parse(readFileSync(path.join(glove, 'tokenizer.json'), 'utf8')).model;
  const words = Object.keys(vocab).filter((word) => vocab[word] < ROWS);
  words.sort((a, b) => vocab[a] - vocab[b]);
  writeCheckpointDirectory(directory, {
    modelType: 'glove',
    words,
    vectors: new Float32Array(new Uint8Array(bytes).buffer),
  });
}

testUnless(campaignLack ?? lack)(
  'neighbours of the 20,000 most frequent words of GloVe are those of all pairs in float64',
  async (t) => {
    t.timeout(1_800_000);
    const scratch = scratchDirectory(t);
    const [model, run] = [path.join(scratch, 'model'), path.join(scratch, 'run')];
    await writeMostFrequent(model);
    await runHere({ model, out: run, tables: 'none' });
    await findNeighbours(run, { k: K, measures: ['causal_cosine', 'distance'], workers: 2 });
    const manifest = readManifest(run);
    const { values: projections } = await readProjections(run);
    const { eigenvalues } = await readBasis(run, HIDDEN);
    for (const measure of ['causal_cosine', 'distance'] as const) {
      const wanted = bruteNeighbours({ projections, eigenvalues }, measure, K);
      const found = await readNeighbourLists(run, manifest, measure);
      let others = 0;
      let worst = 0;
      for (const [token, list] of wanted.entries())
        for (const [place, { id, value }] of list!.entries()) {
          if (found[token]!.ids![place] !== id) others++;
          worst = Math.max(worst, Math.abs(found[token]!.values![place]! - value) / value);
        }
      t.is(others, 0, measure);
      t.log(`${measure}: values differ by ${worst} at most, relatively`);
      t.true(worst <= 1e-11, `${measure}: ${worst}`);
    }
  },
);
