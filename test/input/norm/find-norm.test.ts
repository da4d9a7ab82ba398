import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { NormSearch } from '../../../src/input/checkpoint.js';
import { recordBias } from '../../../src/input/logit-bias.js';
import { foldSource } from '../../../src/input/norm/fold-source.js';
import { normNames } from '../../../src/input/norm/norm-names.js';
import { modelTypes, type NormRule, normRules } from '../../../src/input/norm/norm-rules.js';
import { explainCheckpoint } from '../../../src/input/open-checkpoint.js';
import { type Contents, checkpointDirectory, matrix } from '../../helpers/checkpoints.js';
import { documentNamed } from '../../helpers/documents.js';
import {
  type FixtureTensor,
  float32Bytes,
  npy,
  safetensors,
  scratchFile,
  stateDict,
} from '../../helpers/fixtures.js';

/** A float32 vector of 3, as wide as `matrix`. */
function vector(name: string, values: number[] = [0.5, -1, 2]): FixtureTensor {
  return { name, dtype: 'F32', shape: [values.length], data: float32Bytes(values) };
}

/** What is found of the final norm in a directory. */
async function search(
  t: Parameters<typeof checkpointDirectory>[0],
  contents: Contents,
  options: { tensor?: string; rule?: NormRule } = {},
): Promise<NormSearch> {
  const { tensor, rule } = options;
  const wish = { isFolded: true, rule };
  return (await explainCheckpoint(checkpointDirectory(t, contents), { tensor, wish })).norm!;
}

/** The factors by which each rule multiplies, for w = 0.5, -1, 2. */
const factorsOf: Readonly<Record<NormRule, number[]>> = {
  rms: [0.5, -1, 2],
  'rms-one-plus': [1.5, 0, 3],
  layer: [0.5, -1, 2],
  'layer-one-plus': [1.5, 0, 3],
};

for (const rule of normRules) {
  test(`architectures of the rule ${rule} multiply by w or by (1 + w), one by one`, async (t) => {
    for (const model_type of modelTypes[rule]) {
      const config = { model_type, hidden_size: 3 };
      const path = checkpointDirectory(t, {
        config,
        single: [matrix('lm_head.weight'), vector('model.norm.weight')],
      });
      const { norm, source } = await explainCheckpoint(path, { wish: { isFolded: true } });
      t.is(norm!.norm?.rule, rule, model_type);
      t.is(norm!.norm?.by, `model_type ${model_type} of config.json`);
      const { fold } = (await foldSource(source, norm!.norm)).source;
      t.deepEqual(fold, {
        factors: Float64Array.from(factorsOf[rule]),
        isCentred: rule.startsWith('layer'),
        bias: null,
      });
    }
  });
}

test('no architecture has two rules, and docs/folding.md lists all of them', (t) => {
  const all = normRules.flatMap((rule) => modelTypes[rule]);
  t.is(new Set(all).size, all.length);
  const { text } = documentNamed('docs/folding.md');
  for (const rule of normRules) {
    const [, row = ''] = new RegExp(`^\\| \`${rule}\` .*\\| (.+?) *\\|$`, 'm').exec(text) ?? [];
    t.deepEqual(
      [...row.matchAll(/`([^`]+)`/g)].map(([, type]) => type),
      [...modelTypes[rule]],
      rule,
    );
  }
  const names = [...text.matchAll(/^\| \d+ +\| `(.+?)` +\| (.+?) +\|$/gm)].map(([, name, families]) => ({
    name,
    families,
  }));
  t.deepEqual(
    names,
    normNames.map(({ name, families }) => ({ name, families })),
  );
});

for (const [what, config, rule] of [
  [
    'PaliGemma on Gemma 2',
    { model_type: 'paligemma', text_config: { model_type: 'gemma2' } },
    'rms-one-plus',
  ],
  ['LLaVA on Llama', { model_type: 'llava', text_config: { model_type: 'llama' } }, 'rms'],
  ['Gemma 3 whose section has no type', { model_type: 'gemma3', text_config: {} }, 'rms-one-plus'],
  [
    'Gemma 3n, which stores w itself',
    { model_type: 'gemma3n', text_config: { model_type: 'gemma3n_text' } },
    'rms',
  ],
  ['Qwen2.5-Omni', { thinker_config: { text_config: { model_type: 'qwen2_5_omni_text' } } }, 'rms'],
] as const) {
  test(`of a multimodal model its language model counts: ${what}`, async (t) => {
    const tensors = [matrix('language_model.lm_head.weight'), vector('language_model.model.norm.weight')];
    const { norm } = await search(t, { config: { hidden_size: 3, ...config }, single: tensors });
    t.is(norm?.rule, rule);
  });
}

test('a norm is found under each of its names, as they stand before those from which wrappers are taken', async (t) => {
  for (const { name } of normNames) {
    const config = { model_type: 'llama', hidden_size: 3 };
    for (const [stored, others] of [
      [name, ['module.model.norm.weight', 'model.layers.0.norm.weight', 'vision_model.norm.weight']],
      [`_orig_mod.module.${name}`, ['model.layers.0.norm.weight', 'mtp.norm.weight']],
    ] as const) {
      const single = [matrix('lm_head.weight'), ...others.map((other) => vector(other)), vector(stored)];
      const { norm } = await search(t, { config, single });
      t.is(norm?.weight.tensor, stored);
    }
  }
});

test('a norm may lie in another shard than the matrix, and in a file of torch.save', async (t) => {
  const config = { model_type: 'phi', hidden_size: 3 };
  const shards = {
    'a.safetensors': [vector('model.final_layernorm.weight')],
    'b.safetensors': [matrix('lm_head.weight'), vector('model.final_layernorm.bias', [1, 2, 3])],
  };
  const { norm } = await search(t, { config, shards });
  t.regex(norm!.weight.file, /a\.safetensors$/);
  t.regex(norm!.bias!.file, /b\.safetensors$/);
  const file = scratchFile(
    t,
    'model.bin',
    stateDict([
      { name: 'lm_head.weight', shape: [4, 3], data: float32Bytes(Array.from({ length: 12 }, (_, k) => k)) },
      { name: 'model.norm.weight', shape: [3], data: float32Bytes([1, 2, 3]) },
    ]),
  );
  const bare = await explainCheckpoint(file, { wish: { isFolded: true, rule: 'rms' } });
  const { fold } = (await foldSource(bare.source, bare.norm!.norm)).source;
  t.deepEqual(fold?.factors, Float64Array.of(1, 2, 3));
});

const llama = { model_type: 'llama', hidden_size: 3 };
const head = matrix('lm_head.weight');

for (const [what, contents, problem, options] of [
  [
    'an unknown architecture',
    { config: { model_type: 'new_one', hidden_size: 3 }, single: [head, vector('model.norm.weight')] },
    /model_type new_one, which is not known, .* --norm-rule rms\|rms-one-plus\|layer\|layer-one-plus/,
  ],
  [
    'no architecture',
    { config: { hidden_size: 3 }, single: [head, vector('model.norm.weight')] },
    /config\.json has no model_type/,
  ],
  ['no norm', { config: llama, single: [head] }, /holds no final norm under a known name/],
  [
    'two norms',
    {
      config: llama,
      single: [head, vector('module.model.norm.weight'), vector('base_model.model.norm.weight')],
    },
    /module\.model\.norm\.weight and base_model\.model\.norm\.weight may both be/,
  ],
  [
    'a norm of another width',
    { config: llama, single: [head, vector('model.norm.weight', [1, 2])] },
    /model\.norm\.weight is \[?2\]?.*, expected/,
  ],
  [
    'a norm of a dtype that is not read',
    { config: llama, single: [head, { ...vector('model.norm.weight'), dtype: 'I32' }] },
    /has the dtype I32, which is not read/,
  ],
  [
    'a bias where there is none',
    { config: llama, single: [head, vector('model.norm.weight'), vector('model.norm.bias')] },
    /has a bias, model\.norm\.bias, which no RMSNorm has/,
  ],
  [
    'an embedding that is not tied',
    {
      config: { ...llama, tie_word_embeddings: false },
      single: [head, matrix('model.embed_tokens.weight'), vector('model.norm.weight')],
    },
    /which model\.embed_tokens\.weight is not/,
    { tensor: 'model.embed_tokens.weight' },
  ],
] as const satisfies readonly (readonly [string, Contents, RegExp, { tensor?: string }?])[]) {
  test(`what cannot be folded is told: ${what}`, async (t) => {
    const found = await search(t, contents, options ?? {});
    t.is(found.norm, null);
    t.regex(found.problem!, problem);
  });
}

test('a user who says what the norm is has the last word', async (t) => {
  const single = [head, vector('model.norm.weight')];
  for (const config of [llama, { model_type: 'new_one', hidden_size: 3 }]) {
    const { norm } = await search(t, { config, single }, { rule: 'layer-one-plus' });
    t.like(norm, { rule: 'layer-one-plus', by: '--norm-rule' });
  }
  const array = scratchFile(t, 'a.npy', npy('<f4', [4, 3], new Uint8Array(48)));
  const { norm } = await explainCheckpoint(array, { wish: { isFolded: true, rule: 'rms' } });
  t.regex(norm!.problem!, /holds no final norm/);
});

test('a norm with NaN or infinity, or cut off, is refused when it is read', async (t) => {
  const wish = { isFolded: true };
  const path = checkpointDirectory(t, {
    config: llama,
    single: [vector('model.norm.weight', [1, Number.NaN, 2]), head],
  });
  const found = await explainCheckpoint(path, { wish });
  await t.throwsAsync(foldSource(found.source, found.norm!.norm), {
    message: /model\.norm\.weight holds NaN at index 1/,
  });
  const whole = safetensors([head, vector('model.norm.weight')]);
  writeFileSync(join(path, 'model.safetensors'), whole);
  const later = await explainCheckpoint(path, { wish });
  writeFileSync(join(path, 'model.safetensors'), whole.subarray(0, -4));
  await t.throwsAsync(foldSource(later.source, later.norm!.norm), {
    message: /truncated or still being written/,
  });
});

test('the bias of the logits is that of the matrix, or of an unembedding that is tied to it', async (t) => {
  const biasOf = async (contents: Contents, tensor?: string) => {
    const { logitBias, notes } = await explainCheckpoint(checkpointDirectory(t, contents), { tensor });
    return [logitBias?.tensor ?? null, notes.filter((note) => note.includes('bias'))];
  };
  const [own, embedding] = [vector('lm_head.bias', [1, 2, 3, 4]), matrix('model.embed_tokens.weight')];
  const tied = { ...llama, tie_word_embeddings: true };
  t.deepEqual(await biasOf({ config: llama, single: [head, own] }), ['lm_head.bias', []]);
  t.deepEqual(await biasOf({ config: tied, single: [embedding, own] }), ['lm_head.bias', []]);
  const untied = { ...llama, tie_word_embeddings: false };
  t.deepEqual(await biasOf({ config: untied, single: [head, embedding, own] }, embedding.name), [null, []]);
  t.deepEqual(await biasOf({ config: llama, single: [head, vector('output.bias', [1, 2, 3, 4])] }), [
    null,
    [],
  ]);
  const [none, notes] = await biasOf({ config: llama, single: [head, vector('lm_head.bias')] });
  t.is(none, null);
  t.regex(String(notes), /the bias of the logits is not read: lm_head\.bias is/);
});

test('a matrix that is not known to unembed gets a norm only from a user who says what it is, and no logit bias', async (t) => {
  const query = matrix('model.layers.0.self_attn.q_proj.weight');
  const path = checkpointDirectory(t, {
    config: llama,
    single: [
      head,
      query,
      vector('model.norm.weight'),
      vector('model.layers.0.self_attn.q_proj.bias', [1, 2, 3, 4]),
    ],
  });
  const options = { tensor: query.name };
  const found = await explainCheckpoint(path, { ...options, wish: { isFolded: true } });
  t.is(found.norm!.norm, null);
  t.regex(
    found.norm!.problem!,
    /q_proj\.weight is not known to be; leave it unfolded, or say with --norm-rule/,
  );
  t.is(found.logitBias, null);
  const told = await explainCheckpoint(path, { ...options, wish: { isFolded: true, rule: 'rms' } });
  t.is(told.norm!.norm!.weight.tensor, 'model.norm.weight');
});

test('of two models in a checkpoint the norm is that of the one whose matrix it is', async (t) => {
  const [inner, outer] = ['language_model.model.norm.weight', 'model.norm.weight'];
  const embedding = matrix('language_model.model.embed_tokens.weight');
  const { norm } = await search(t, {
    config: { ...llama, tie_word_embeddings: true },
    single: [embedding, vector(inner), vector(outer)],
  });
  t.is(norm!.weight.tensor, inner);
});

test('a bias that no logit can have is noted and left out', async (t) => {
  for (const bad of [Number.NEGATIVE_INFINITY, Number.NaN]) {
    const path = checkpointDirectory(t, {
      config: llama,
      single: [head, vector('lm_head.bias', [1, bad, 3, 4])],
    });
    const notes: string[] = [];
    const { logitBias } = await explainCheckpoint(path, {});
    t.is(await recordBias(logitBias, (line) => notes.push(line)), null);
    t.regex(
      String(notes),
      /^the bias of the logits is not read: lm_head\.bias holds (-Infinity|NaN) at index 1/,
    );
  }
});
