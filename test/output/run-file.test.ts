import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { runFile } from '../../src/output/run-file.js';

test('a file of a run lies in its directory', (t) => {
  t.is(
    runFile('a/b', 'projections/parquet/part-0.parquet'),
    path.resolve('a/b/projections/parquet/part-0.parquet'),
  );
  t.is(runFile('a/b/', 'x'), path.resolve('a/b/x'));
});

test('a name that leads out of the directory is refused', (t) => {
  for (const name of ['../x', '/etc/passwd', 'projections/../../x', '.', '../bb/x']) {
    t.throws(
      () => runFile('a/b', name),
      { instanceOf: InputError, message: /lies outside of the run/ },
      name,
    );
  }
});
