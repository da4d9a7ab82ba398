import { join } from 'node:path';
import test from 'ava';
import { parquetWriteFile } from 'hyparquet-writer';
import { InputError } from '../../src/errors.js';
import { openParquetColumns } from '../../src/formats/parquet-columns.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';

test('columns come whole over row groups, null as NaN where numbers are asked for', async (t) => {
  const filename = join(scratchDirectory(t), 'a.parquet');
  parquetWriteFile({
    filename,
    columnData: [
      { name: 'id', data: Int32Array.of(1, 2, 3, 4, 5), type: 'INT32' },
      { name: 'z', data: [0.5, null, -1, 1e-300, null], type: 'DOUBLE' },
      { name: 'text', data: ['a', null, '中', '', 'b'], type: 'STRING' },
    ],
    rowGroupSize: 2,
  });
  const columns = await openParquetColumns(filename, 'the table');
  t.is(columns.rows, 5);
  t.deepEqual(columns.names, ['id', 'z', 'text']);
  t.deepEqual(await columns.numbers('id'), Float64Array.of(1, 2, 3, 4, 5));
  t.deepEqual(await columns.numbers('z'), Float64Array.of(0.5, Number.NaN, -1, 1e-300, Number.NaN));
  t.deepEqual(Array.from(await columns.values('text')), ['a', null, '中', '', 'b']);
  await t.throwsAsync(columns.values('other'), {
    instanceOf: InputError,
    message: /a\.parquet: has no column "other"/,
  });
  await t.throwsAsync(columns.numbers('text'), {
    instanceOf: InputError,
    message: /"text" of row 0 is no number/,
  });
});

test('a text that begins with U+FEFF keeps it', async (t) => {
  const filename = join(scratchDirectory(t), 'a.parquet');
  const texts = ['\ufeff', '\ufeffusing', 'a\ufeff', '\ufeff\ufeff', null];
  parquetWriteFile({ filename, columnData: [{ name: 'text', data: texts, type: 'STRING' }] });
  t.deepEqual(Array.from(await (await openParquetColumns(filename, 'the table')).values('text')), texts);
});

test('what is no Parquet file, or absent, is named', async (t) => {
  const file = scratchFile(t, 'b.parquet', 'PAR1 and then nothing of the kind');
  await t.throwsAsync(openParquetColumns(file, 'the table'), {
    instanceOf: InputError,
    message: /b\.parquet: cannot read the table: /,
  });
  await t.throwsAsync(openParquetColumns(`${file}.gone`, 'the table'), {
    instanceOf: InputError,
    message: /there is no such file/,
  });
});
