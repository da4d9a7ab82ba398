import path from 'node:path';
import test from 'ava';
import { loadBatch } from '../../src/batch/batch-config.js';
import { loadConfig } from '../../src/run/config.js';
import { blocksIn, documentNamed, root } from '../helpers/documents.js';
import { scratchFile } from '../helpers/fixtures.js';

test('every configuration that a document shows is accepted, of a run or of a batch', async (t) => {
  const blocks = blocksIn('json');
  t.true(blocks.length >= 3);
  for (const { document, code } of blocks) {
    const file = scratchFile(t, 'shown.json', code);
    await t.notThrowsAsync('runs' in JSON.parse(code) ? loadBatch(file) : loadConfig(file, {}), document);
  }
});

test('docs/running.md names every key of a configuration', async (t) => {
  const error = await t.throwsAsync(loadConfig(scratchFile(t, 'wrong.json', '{ "no such key": 1 }'), {}));
  const [, allowed = ''] = error.message.split('allowed are ');
  const { text } = documentNamed('docs/running.md');
  const [, sentence = ''] = text.replaceAll('\n', ' ').split('The keys are ');
  const [keys = ''] = sentence.split('. ');
  t.deepEqual([...keys.matchAll(/`(\w+)`/g)].map(([, key]) => key!).sort(), allowed.split(', ').sort());
});

test('every configuration that comes with the package is accepted', async (t) => {
  const packaged = (name: string) => path.join(root, 'config', name);
  for (const name of ['default.json', 'qwen3-4b.json'])
    await t.notThrowsAsync(loadConfig(packaged(name), {}));
  await t.notThrowsAsync(loadBatch(packaged('batch-example.json')));
});
