import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { productRounding } from '../../src/checks/rounding.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { readProjections, runHere, type SyntheticModel, shardedModel } from '../helpers/runs.js';

const ROWS = 300;
const HIDDEN = 8;

/** A checkpoint with more in its configuration, and a tokenizer of fewer tokens than rows. */
function modelOf(t: ExecutionContext, config: object): SyntheticModel {
  const model = shardedModel(t, ROWS, HIDDEN);
  const file = path.join(model.directory, 'config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...config }));
  const tokenizer = { model: { vocab: { a: 0, z: ROWS - 21 } } };
  writeFileSync(path.join(model.directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  return model;
}

/** gamma after plain loops have divided its rows, or its columns over all rows, by their norms. */
function normalised({ gamma }: SyntheticModel, by: 'rows' | 'columns'): Float64Array {
  const indexOf = (k: number) => (by === 'rows' ? Math.floor(k / HIDDEN) : k % HIDDEN);
  const squares = new Float64Array(by === 'rows' ? ROWS : HIDDEN);
  gamma.forEach((value, k) => {
    squares[indexOf(k)]! += value * value;
  });
  return Float64Array.from(gamma, (value, k) => value / Math.sqrt(squares[indexOf(k)]!));
}

function dot(values: Float64Array | Float32Array, a: number, b: number): number {
  let sum = 0;
  for (let j = 0; j < HIDDEN; j++) sum += values[a * HIDDEN + j]! * values[b * HIDDEN + j]!;
  return sum;
}

for (const [by, config] of [
  ['rows', { model_type: 'baichuan' }],
  ['columns', { model_type: 'bailing_moe', norm_head: true }],
] as const) {
  test(`a head whose ${by} the model normalises is normalised, and its run verified as such`, async (t) => {
    const model = modelOf(t, config);
    const out = scratchDirectory(t);
    // Rows beyond the tokenizer's count in a column's norm, though they take no part.
    const { manifest } = await runHere({
      model: model.directory,
      out,
      rows: 'tokenizer',
      partitionRows: 100,
    });
    t.true(manifest.verification.passed);
    t.is(manifest.model.normalisation, by);
    t.regex(manifest.model.notes.join('\n'), /divides each (row|column) of lm_head.weight by its norm/);
    const expected = normalised(model, by);
    const { values } = await readProjections(out);
    t.is(values.length, (ROWS - 20) * HIDDEN);
    // An orthogonal basis keeps the products of rows; those of columns are off by the 1e-7 that PyTorch adds to a norm.
    const largest = Math.max(...Array.from({ length: ROWS - 20 }, (_, i) => dot(expected, i, i)));
    const tolerance = (4 * productRounding(HIDDEN) + (by === 'rows' ? 0 : 4e-7)) * largest;
    let worst = 0;
    for (let i = 0; i < ROWS - 20; i++) {
      for (const k of [i, 0, (7 * i) % (ROWS - 20)]) {
        worst = Math.max(worst, Math.abs(dot(values, i, k) - dot(expected, i, k)));
      }
    }
    t.log(`largest deviation ${(worst / tolerance).toExponential(2)} of its tolerance`);
    t.true(worst <= tolerance);
    const verified = await start(['verify', out]).ended;
    t.is(verified.code, 0, verified.stderr);
  });
}

test('rows are taken as stored where that is asked for, which is another run', async (t) => {
  const { directory } = modelOf(t, { model_type: 'baichuan' });
  const run = (overrides: object) => runHere({ model: directory, out: scratchDirectory(t), ...overrides });
  const plain = modelOf(t, {});
  const asStored = await run({ headRows: 'stored' });
  t.is(asStored.manifest.model.normalisation, null);
  t.regex(asStored.manifest.model.notes.join(), /the rows are taken as they are stored/);
  const asUsed = await run({});
  t.not(asUsed.manifest.fingerprint, asStored.manifest.fingerprint);
  // What is normalised by nobody's word is a run like any other.
  const usual = await runHere({ model: plain.directory, out: scratchDirectory(t) });
  t.is(usual.manifest.fingerprint, asStored.manifest.fingerprint);
  const told = await runHere({ model: plain.directory, out: scratchDirectory(t), headRows: 'normalised' });
  t.is(told.manifest.fingerprint, asUsed.manifest.fingerprint);
});
