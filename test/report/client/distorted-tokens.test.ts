import test from 'ava';
import { distortedTokens } from '../../../src/report/client/distorted-tokens.js';
import { randomFloat32 } from '../../helpers/random.js';

test('the lists are the ends of all tokens in the order of their distortion', (t) => {
  const norm = randomFloat32(500, 3).map((value) => 2 + value);
  const causalNorm = randomFloat32(500, 4).map((value) => 3 + value);
  const duplicateGroup = new Int32Array(500).fill(-1);
  const order = Array.from(norm, (_, token) => ({
    token,
    distortion: causalNorm[token]! / norm[token]!,
  })).sort((a, b) => b.distortion - a.distortion);
  const { most, least } = distortedTokens({ norm, causalNorm, duplicateGroup }, 20);
  t.deepEqual(most, order.slice(0, 20));
  t.deepEqual(least, order.slice(-20).reverse());
});

test('rows of zeros are left out, and equal rows stand once', (t) => {
  const lists = distortedTokens(
    { norm: [0, 1, 1, 1, 2], causalNorm: [0, 5, 5, 5, 2], duplicateGroup: [-1, 1, 1, 1, -1] },
    3,
  );
  t.deepEqual(
    lists.most.map(({ token }) => token),
    [1, 4],
  );
  t.deepEqual(
    lists.least.map(({ token }) => token),
    [4, 1],
  );
});
