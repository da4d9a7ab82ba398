import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { identityOfManifest } from '../../src/output/manifest-identity.js';
import { readRecordsFile, scannedIdentity } from '../../src/output/run-records.js';
import { fingerprintOf } from '../../src/run/identity.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel } from '../helpers/runs.js';

/** Compiled, this file is dist/test/output/manifest.test.js of the checkout. */
const golden = path.resolve(import.meta.dirname, '../../../test/golden/manifest.json');

/**
 * What may differ between machines or runs is replaced: places, times, and the figures that follow from the last
 * bits of a product (measured deviations, checksums of projections). All other numbers are cut to 6 digits.
 */
function stable(key: string, value: unknown): unknown {
  if (key === 'execution') return '<execution>';
  if (key === 'sha256' || key === 'crc32' || key === 'measured') return `<${key}>`;
  if (key === 'normDifference' || key === 'offDiagonal') return Object.keys(value as object);
  if (key === 'detail') return '<detail>';
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

test('the identity of a run is told whole by its manifest', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const metric = path.join(scratchDirectory(t), 'metric.npy');
  const identity = Float32Array.from({ length: 64 }, (_, k) => (k % 9 === 0 ? 1 : 0));
  writeFileSync(metric, npy('<f4', [8, 8], new Uint8Array(identity.buffer)));
  for (const options of [
    { partitionRows: 25, format: 'both', export: ['pt', 'npy'], report: false },
    { ridge: 1e-3, tables: 'none', headRows: 'normalised' },
    { metric, top: 3 },
  ] as const) {
    const { directory, manifest } = await runHere({ model, out: scratchDirectory(t), ...options });
    t.is(fingerprintOf(identityOfManifest(manifest)), manifest.fingerprint);
    const { plan, records } = readRecordsFile(directory)!;
    const { fingerprint, contentSha256 } = scannedIdentity(records)!;
    t.is(fingerprint, manifest.fingerprint);
    t.deepEqual(
      { ...plan.identity, model: { ...plan.identity.model, contentSha256 } },
      identityOfManifest(manifest),
    );
  }
});

test('the manifest of a small run is the golden one', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const out = scratchDirectory(t);
  const { manifest } = await runHere({
    model,
    out,
    partitionRows: 25,
    format: 'both',
    export: ['pt', 'npy'],
    // Its size follows from how it was built.
    report: false,
  });
  const text = JSON.stringify(manifest, stable, 2).replaceAll(out, '<out>').replaceAll(model, '<model>');
  // After a change that is meant, this file is reviewed and copied over the golden one.
  const actual = path.join(import.meta.dirname, 'manifest.actual.json');
  writeFileSync(actual, `${text}\n`);
  t.is(`${text}\n`, readFileSync(golden, 'utf8'), `compare ${golden} with ${actual}`);
});
