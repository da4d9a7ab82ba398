import test from 'ava';
import { isSealed, sealedText } from '../../src/output/seal.js';

const body = { a: 1e-7, text: 'γ "seal": \n', nested: { list: [1, 2.5, null] } };

test('a sealed text is JSON with the body and its seal', (t) => {
  const text = sealedText(body);
  t.true(isSealed(text));
  const { seal, ...rest } = JSON.parse(text) as typeof body & { seal: { sha256: string } };
  t.deepEqual(rest, body);
  t.regex(seal.sha256, /^[0-9a-f]{64}$/);
});

test('every changed, lost or added character breaks the seal', (t) => {
  const text = sealedText(body);
  for (let k = 0; k < text.length; k++) {
    t.false(isSealed(`${text.slice(0, k)}${text.slice(k + 1)}`), `without character ${k}`);
    t.false(isSealed(`${text.slice(0, k)} ${text.slice(k)}`), `a blank before character ${k}`);
    const flipped = String.fromCharCode(text.charCodeAt(k) ^ 1);
    t.false(isSealed(`${text.slice(0, k)}${flipped}${text.slice(k + 1)}`), `character ${k} flipped`);
  }
  t.false(isSealed(''));
  t.false(isSealed(JSON.stringify(body)));
});
