import test from 'ava';
import { utf8Text } from '../../../src/input/tokenizer/utf8-text.js';

test('valid bytes are text, others are shown, none becomes U+FFFD', (t) => {
  for (const [hex, text] of [
    ['', ''],
    ['68c3a4', 'hä'],
    ['e4b8ad', '中'],
    ['f09f9880', '😀'],
    ['e4b8', '<0xE4><0xB8>'],
    ['20e4b8', ' <0xE4><0xB8>'],
    ['ad61', '<0xAD>a'],
    ['b8ade4b8ad', '<0xB8><0xAD>中'],
    ['e4b861', '<0xE4><0xB8>a'],
    ['f09f98', '<0xF0><0x9F><0x98>'],
    // An overlong slash, half a surrogate pair, and a byte that UTF-8 never has.
    ['c0af', '<0xC0><0xAF>'],
    ['eda080', '<0xED><0xA0><0x80>'],
    ['ff', '<0xFF>'],
    // A byte order mark is a character like others, and so is a U+FFFD that is really there.
    ['efbbbf61', '\ufeffa'],
    ['efbfbd', '\ufffd'],
  ] as const) {
    t.is(utf8Text(Buffer.from(hex, 'hex')), text, hex);
  }
});
