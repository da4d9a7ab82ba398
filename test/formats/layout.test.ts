import test from 'ava';
import { type FileLayout, fileChunks, tensorBytes } from '../../src/formats/layout.js';

/** 'a', tensor b, 'c', tensor a, an empty tensor; the checksums go into the last piece. */
const layout: FileLayout = {
  bytes: 22,
  tensors: [
    { name: 'a', byteOffset: 10, byteLength: 4 },
    { name: 'b', byteOffset: 1, byteLength: 8 },
    { name: 'none', byteOffset: 14, byteLength: 0 },
  ],
  frame: (crcs) => [
    { offset: 0, bytes: Uint8Array.of(0xaa) },
    { offset: 9, bytes: Uint8Array.of(0xcc) },
    { offset: 14, bytes: new Uint8Array(Uint32Array.from(crcs.slice(0, 2)).buffer) },
  ],
};

test('the chunks of a file are frame and tensors in file order, with the checksums of the tensors', (t) => {
  const chunks = fileChunks(layout, [Float32Array.of(1), Float64Array.of(1), new Float32Array(0)]);
  // CRC-32 of 00 00 80 3f and of 00 00 00 00 00 00 f0 3f.
  t.is(
    Buffer.concat(chunks).toString('hex'),
    ['aa', '000000000000f03f', 'cc', '0000803f', '6a6aa1ac', 'e913f8c7'].join(''),
  );
});

test('the elements are not copied, and a view may begin anywhere in its memory', (t) => {
  const memory = Float32Array.of(9, 9, 9, 1, 9);
  const chunks = fileChunks(layout, [memory.subarray(3, 4), new Float64Array(1), new Float32Array(0)]);
  const chunk = chunks.find(({ buffer }) => buffer === memory.buffer);
  t.is(chunk?.byteOffset, 12);
  t.is(chunk?.byteLength, 4);
});

test('a tensor of another size, and a missing one, are refused by name', (t) => {
  const a = Float32Array.of(1);
  t.throws(() => fileChunks(layout, [a, a, a]), { message: /b needs 8 bytes, not 4/ });
  t.throws(() => fileChunks(layout, [a]), { message: /b needs 8 bytes, not none/ });
});

test('the bytes of a tensor are the product of its shape and its element', (t) => {
  t.is(tensorBytes({ shape: [], dtype: 'float64' }), 8);
  t.is(tensorBytes({ shape: [151_936, 2560], dtype: 'float32' }), 151_936 * 2560 * 4);
  t.is(tensorBytes({ shape: [3, 0], dtype: 'bfloat16' }), 0);
  t.throws(() => tensorBytes({ shape: [3, -1], dtype: 'float32' }), {
    message: /shape 3 x -1 is impossible/,
  });
});
