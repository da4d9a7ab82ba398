import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { hubModelText, modelText } from '../../src/commands/run-text.js';
import { inspectHubModel, inspectModel } from '../../src/input/inspect-model.js';
import { npy, scratchFile } from '../helpers/fixtures.js';
import { HubServer } from '../helpers/hub-server.js';
import { shardedModel } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';

test('a checkpoint is described by headers and tokenizer alone', async (t) => {
  const { directory } = shardedModel(t, 20, 8);
  const added = [{ id: 17, content: '<end>', special: true }];
  const tokenizer = { model: { vocab: { a: 0, b: 2 } }, added_tokens: added };
  writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  const before = readdirSync(directory);
  const found = await inspectModel(directory);
  t.like(found, {
    path: directory,
    model: { modelType: 'test', tied: false },
    source: { tensor: 'lm_head.weight', rows: 20, columns: 8, dtype: 'bfloat16', bytes: 320 },
    // Ids 1 and 3 to 16 are holes, 18 and 19 beyond the end.
    tokenizer: { tokens: 18, special: 1, orphans: 17 },
    others: [{ name: 'model.embed_tokens.weight', shape: [3, 8], dtype: 'BF16' }],
  });
  t.deepEqual(readdirSync(directory), before);
  t.regex(
    modelText(found),
    /orphans, rows without a token: 17 \(--rows tokenizer leaves out those at the end\)/,
  );
  t.regex(modelText(found), /model.embed_tokens.weight, 3 x 8 BF16, in .*model-00001/);
});

test('a bare array has neither name nor tokenizer', async (t) => {
  const file = scratchFile(t, 'a.npy', npy('<f4', [2, 3], new Uint8Array(24)));
  const text = modelText(await inspectModel(file));
  for (const line of [
    'tensor (bare array), 2 x 3 float32, 24 B',
    'the only array of the file',
    'tokenizer: none',
  ]) {
    t.true(text.includes(line), text);
  }
});

realModelTest('a real checkpoint has no orphans', async (t, model) => {
  const { tokenizer, source, reason } = await inspectModel(model);
  t.deepEqual(tokenizer, { tokens: 512, special: 3, orphans: 0 });
  t.is(source.bytes, 512 * 64 * 4);
  t.regex(reason, /tie_word_embeddings is true/);
});

test('of a model of the hub a run would take the same tensor, and nothing of its weights is downloaded', async (t) => {
  const { directory } = shardedModel(t, 300, 8);
  const server = await HubServer.start(t, directory);
  const hub = server.settings(t);
  const inspection = await inspectHubModel('some/model', { hub });
  t.like(inspection.shape, { rows: 300, columns: 8, dtype: 'bfloat16', tensor: 'lm_head.weight' });
  t.regex(inspection.reason, /^rule 1 of \d+: an unembedding matrix/);
  t.true(inspection.bytesToDownload >= 300 * 8 * 2);
  const asked = server.seen.filter(({ range }) => range !== null);
  t.true(asked.reduce((sum, { sent }) => sum + sent, 0) < 300 * 8 * 2, 'headers only');
  t.regex(
    hubModelText(inspection),
    /^some\/model at revision [0-9a-f]{40}\n.*\n {2}tensor lm_head.weight, 300 x 8/,
  );
  t.is((await inspectHubModel('some/model', { hub, tensor: 'lm_head.weight' })).reason, 'named by --tensor');
});
