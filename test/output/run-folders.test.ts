import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { writeManifest } from '../../src/output/manifest.js';
import { holdsBegunRun, runFoldersIn } from '../../src/output/run-folders.js';
import { withoutManifest } from '../../src/output/without-manifest.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleManifest } from '../helpers/sample-manifest.js';

test('runs are found by their manifests, and without one by plan or records', (t) => {
  const batch = scratchDirectory(t);
  const folder = (name: string) => {
    mkdirSync(path.join(batch, name));
    return path.join(batch, name);
  };
  writeManifest(folder('a-finished'), sampleManifest());
  for (const name of ['plan.json', 'records.jsonl']) {
    const begun = folder(`begun-${name}`);
    writeFileSync(path.join(begun, name), '');
    t.true(holdsBegunRun(begun));
    t.regex((withoutManifest(begun) as Error).message, /an unfinished one lies there, .* --resume completes/);
  }
  writeFileSync(path.join(folder('other'), 'notes.txt'), '');
  t.deepEqual(runFoldersIn(batch), [
    { name: 'a-finished', isFinished: true },
    { name: 'begun-plan.json', isFinished: false },
    { name: 'begun-records.jsonl', isFinished: false },
  ]);
  t.false(holdsBegunRun(path.join(batch, 'other')));
});
