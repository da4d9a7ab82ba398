import test from 'ava';
import { textTable } from '../../src/text/text-table.js';

test('columns are as wide as their widest cell, a wide character counted as two', (t) => {
  const columns = [
    { name: 'id', align: 'right' },
    { name: 'text', align: 'left' },
    { name: 'z', align: 'right' },
  ] as const;
  t.deepEqual(
    textTable(columns, [
      ['7', '中国', '-1.5'],
      ['123', 'a', '2'],
    ]),
    [' id  text     z', '---  ----  ----', '  7  中国  -1.5', '123  a        2'],
  );
});

test('a table without rows is its head', (t) => {
  t.deepEqual(textTable([{ name: 'a', align: 'left' }], []), ['a', '-']);
});
