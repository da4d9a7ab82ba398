import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { readSafetensorsHeader } from '../../src/formats/safetensors.js';
import { EIGENBASIS_NAME, readEigenbasis, writeEigenbasis } from '../../src/output/eigenbasis-file.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat64 } from '../helpers/random.js';

const basisOf = (d: number, isRidgeKnown: boolean) => ({
  eigenvalues: randomFloat64(d, 1),
  covarianceEigenvalues: isRidgeKnown ? randomFloat64(d, 2) : null,
  eigenvectors: randomFloat64(d * d, 3),
});

test('an eigenbasis comes back: eigenvalues to the bit, eigenvectors as float32', async (t) => {
  for (const d of [1, 2, 31]) {
    for (const isRidgeKnown of [true, false]) {
      const directory = scratchDirectory(t);
      const basis = basisOf(d, isRidgeKnown);
      const record = writeEigenbasis(directory, basis, { model: 'γ' });
      const { reference, ...stored } = await readEigenbasis(directory, d, record);
      t.deepEqual(stored, { ...basis, eigenvectors: Float32Array.from(basis.eigenvectors) });

      const bytes = readFileSync(join(directory, EIGENBASIS_NAME));
      t.deepEqual(record, {
        path: EIGENBASIS_NAME,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
      t.deepEqual(reference, {
        file: join(directory, EIGENBASIS_NAME),
        byteOffset: reference.byteOffset,
        hidden: d,
        sha256: record.sha256,
      });
      const place = bytes.subarray(reference.byteOffset, reference.byteOffset + d * d * 4);
      t.true(place.equals(new Uint8Array(stored.eigenvectors.buffer)));
    }
  }
});

test('the file says whose it is, in which order, and by which rule of signs', async (t) => {
  const directory = scratchDirectory(t);
  writeEigenbasis(directory, basisOf(2, true), { model: 'made/up' });
  const { metadata } = await readSafetensorsHeader(join(directory, EIGENBASIS_NAME));
  t.is(metadata.get('model'), 'made/up');
  t.regex(metadata.get('order')!, /ascending lambda/);
  t.regex(metadata.get('signs')!, /largest magnitude is positive/);
});

test('an eigenbasis of another hidden size, and a spoiled file, are refused', async (t) => {
  const directory = scratchDirectory(t);
  const record = writeEigenbasis(directory, basisOf(3, true), {});
  const error = await t.throwsAsync(readEigenbasis(directory, 4, record), { instanceOf: InputError });
  t.regex(error.message, /expected the tensor eigenvalues, F64 \[4\]; there is F64 \[3\]/);
  const file = join(directory, EIGENBASIS_NAME);
  writeFileSync(file, readFileSync(file).subarray(0, -1));
  await t.throwsAsync(readEigenbasis(directory, 3, record), { instanceOf: InputError });
});
