import test from 'ava';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { CompactWriter } from '../../src/formats/compact-protocol.js';

test('whole numbers have the bytes of their zigzag varints, up to those that no file is large enough for', (t) => {
  for (const exponent of [0, 1, 5, 6, 7, 12, 13, 14, 30, 31, 32, 40, 50])
    for (const value of [2 ** exponent - 1, 2 ** exponent, -(2 ** exponent), -(2 ** exponent) - 1]) {
      const writer = new CompactWriter(16);
      writer.integerElement(value);
      const expected = new ByteWriter();
      expected.appendZigZag(BigInt(value));
      t.deepEqual([...writer.bytes()], [...expected.getBytes()], String(value));
    }
});

test('structs within lists and structs have the bytes that hyparquet-writer gives them', (t) => {
  for (const count of [0, 1, 14, 15, 300]) {
    const names = Array.from({ length: count }, (_, k) => `γ${k}`);
    const writer = new CompactWriter(1);
    writer.structElement(() => {
      writer.integer(2, 'i32', -5);
      writer.list(3, 'struct', count);
      for (const name of names) {
        writer.structElement(() => {
          writer.struct(4, () => writer.no(9));
          writer.binary(7, name);
        });
      }
      writer.binary(11, Uint8Array.of(1, 2, 3));
      writer.list(14, 'i32', 2);
      writer.integerElement(7);
      writer.integerElement(2 ** 20);
      writer.integer(15, 'i64', 2 ** 40);
    });
    const expected = new ByteWriter();
    serializeTCompactProtocol(expected, {
      field_2: -5,
      field_3: names.map((name) => ({ field_4: { field_9: false }, field_7: name })),
      field_11: Uint8Array.of(1, 2, 3),
      field_14: [7, 2 ** 20],
      field_15: 2n ** 40n,
    });
    t.deepEqual([...writer.bytes()], [...expected.getBytes()], `${count} structs`);
  }
});
