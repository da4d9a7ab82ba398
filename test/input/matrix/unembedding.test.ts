import test from 'ava';
import {
  type Choice,
  knownNames,
  searchNamed,
  searchUnembedding,
} from '../../../src/input/matrix/unembedding.js';

/** The tensor that is chosen among these. */
function chosen(names: string[], tied: boolean | null = null): Choice {
  const search = searchUnembedding(names, tied);
  if (search.is !== 'found') throw new Error(`found none: ${search.is}`);
  return search.choice;
}

test('real families are found by their own names', (t) => {
  const families: [what: string, names: string[], tied: boolean | null, expected: string][] = [
    ['GPT-2 of the hub', ['wte.weight', 'wpe.weight', 'ln_f.weight'], null, 'wte.weight'],
    ['Pythia', ['gpt_neox.embed_in.weight', 'embed_out.weight'], false, 'embed_out.weight'],
    ['Gemma', ['model.embed_tokens.weight', 'model.norm.weight'], null, 'model.embed_tokens.weight'],
    ['Llama', ['model.embed_tokens.weight', 'lm_head.weight'], false, 'lm_head.weight'],
    [
      'Phi-2',
      ['transformer.embd.wte.weight', 'lm_head.ln.weight', 'lm_head.ln.bias', 'lm_head.linear.weight'],
      false,
      'lm_head.linear.weight',
    ],
    [
      'OLMo',
      ['model.transformer.wte.weight', 'model.transformer.ff_out.weight'],
      null,
      'model.transformer.ff_out.weight',
    ],
    [
      'LLaVA',
      ['language_model.model.embed_tokens.weight', 'language_model.lm_head.weight'],
      false,
      'language_model.lm_head.weight',
    ],
    [
      'Qwen-VL, tied',
      ['model.visual.patch_embed.weight', 'model.language_model.embed_tokens.weight'],
      true,
      'model.language_model.embed_tokens.weight',
    ],
    [
      'DeepSeek V4',
      ['mtp.0.head.weight', 'mtp.0.emb.tok_emb.weight', 'embed.weight', 'head.weight'],
      false,
      'head.weight',
    ],
    ['gpt-oss', ['embedding.weight', 'unembedding.weight'], null, 'unembedding.weight'],
    ['RWKV', ['rwkv.embeddings.weight', 'head.weight'], false, 'head.weight'],
    ['OpenELM', ['transformer.token_embeddings.weight'], true, 'transformer.token_embeddings.weight'],
    ['Persimmon', ['word_embeddings_for_head.weight'], false, 'word_embeddings_for_head.weight'],
    [
      'Megatron Core',
      ['embedding.word_embeddings.weight', 'output_layer.weight'],
      null,
      'output_layer.weight',
    ],
    ['T5', ['shared.weight', 'encoder.block.0.layer.0.layer_norm.weight'], null, 'shared.weight'],
    [
      'GLM-4.5 with heads for the tokens after the next',
      ['model.layers.46.embed_tokens.weight', 'model.layers.46.shared_head.head.weight', 'lm_head.weight'],
      false,
      'lm_head.weight',
    ],
  ];
  for (const [what, names, tied, expected] of families) {
    t.like(searchUnembedding(names, tied), { is: 'found', choice: { name: expected } }, what);
  }
});

test('untied embeddings are not taken, and unknown names are not guessed', (t) => {
  const embedding = 'model.embed_tokens.weight';
  t.deepEqual(searchUnembedding([embedding], false), { is: 'untied', embedding });
  t.deepEqual(searchUnembedding(['encoder.weight', 'mtp.0.head.weight'], null), { is: 'unknown' });
});

for (const parts of [
  ['lm_head.qweight', 'lm_head.qzeros', 'lm_head.scales', 'lm_head.g_idx'],
  ['lm_head.weight_packed', 'lm_head.weight_scale', 'lm_head.weight_shape'],
  ['lm_head.weight_scale_inv'],
  ['lm_head.lora_A.weight', 'lm_head.lora_B.weight'],
  ['model.lm_head.Qidxs'],
  ['module.language_model.lm_head.trellis'],
  ['output.codebooks'],
  ['embed_out.W_q'],
]) {
  test(`an unembedding that is stored as ${parts[0]} ends the search`, (t) => {
    const names = ['model.embed_tokens.weight', 'wte.weight', ...parts];
    for (const tied of [true, false, null]) {
      const search = searchUnembedding(names, tied);
      t.like(search, { is: 'in parts', kind: 'unembedding', parts: parts.toSorted() });
    }
  });
}

test('a bias, and the heads of other tasks, are no unembedding', (t) => {
  const names = ['model.embed_tokens.weight', 'lm_head.bias', 'v_head.summary.weight', 'score.weight'];
  t.is(chosen(names, true).name, 'model.embed_tokens.weight');
});

test('a quantised embedding is no matrix either', (t) => {
  const search = searchUnembedding(['model.embed_tokens.qweight', 'model.norm.weight'], true);
  t.deepEqual(search, {
    is: 'in parts',
    kind: 'embedding',
    stem: 'model.embed_tokens',
    parts: ['model.embed_tokens.qweight'],
  });
});

test('what lies beside the matrix in its layer is said', (t) => {
  const { notes } = chosen(['lm_head.weight', 'lm_head.weight_scale', 'lm_head.bias']);
  t.deepEqual(notes, ['beside lm_head.weight there are lm_head.weight_scale, which are not used']);
});

test('where nothing says whether embeddings are tied, taking one is said', (t) => {
  t.regex(chosen(['wte.weight']).notes.join(), /nothing says whether the embeddings are tied/);
  t.deepEqual(chosen(['wte.weight'], true).notes, []);
});

for (const [stored, known] of [
  ['_orig_mod.lm_head.weight', 'lm_head.weight'],
  ['module.lm_head.weight', 'lm_head.weight'],
  ['model.lm_head.weight', 'lm_head.weight'],
  ['module.module.lm_head.weight', 'lm_head.weight'],
  ['module._orig_mod.model.lm_head.weight', 'lm_head.weight'],
  ['model._orig_mod.lm_head.weight', 'lm_head.weight'],
  ['_forward_module.model.lm_head.weight', 'lm_head.weight'],
  ['_fsdp_wrapped_module.lm_head._checkpoint_wrapped_module.weight', 'lm_head.weight'],
  ['base_model.model.lm_head.weight', 'lm_head.weight'],
  ['pretrained_model.lm_head.weight', 'lm_head.weight'],
  ['net.transformer.wte.weight', 'transformer.wte.weight'],
  ['transformer._orig_mod.wte.weight', 'transformer.wte.weight'],
  ['module.model.embeddings.weight', 'model.embeddings.weight'],
  ['_orig_mod.model.embed_tokens.weight', 'model.embed_tokens.weight'],
  ['model.shared.weight', 'shared.weight'],
] as const) {
  test(`${stored} is known without its wrappers`, (t) => {
    const { name, notes } = chosen(['x.weight', stored], true);
    t.is(name, stored);
    t.is(notes.length, 1);
    t.true(notes[0]!.includes(`${stored} is taken for ${known}, with "`), notes[0]);
  });
}

test('a name of a million wrappers is known in no time, and says each once', (t) => {
  const { notes } = chosen([`${'module.model.'.repeat(1e6)}lm_head.weight`]);
  t.true(notes[0]!.endsWith('with "module." and "model." taken off its name'));
});

test('a name as it stands counts before one without wrappers, and unembeddings before embeddings', (t) => {
  t.is(chosen(['module.lm_head.weight', 'output.weight']).name, 'output.weight');
  t.is(chosen(['wte.weight', 'module.head.weight']).name, 'module.head.weight');
  t.deepEqual(searchUnembedding(['talker.lm_head.weight', 'visual.module.head.weight'], null), {
    is: 'unknown',
  });
});

test('a tensor that the user names is found as it stands, or without wrappers', (t) => {
  const names = new Set(['_orig_mod.lm_head.weight', 'module.x']);
  t.like(searchNamed(names, 'module.x'), {
    name: 'module.x',
    kind: null,
    reason: 'named by --tensor',
    notes: [],
  });
  t.like(searchNamed(names, 'lm_head.weight'), { name: '_orig_mod.lm_head.weight', kind: 'unembedding' });
  t.is(searchNamed(names, 'x'), null);
  t.is(searchNamed(names, 'wte.weight'), null);
});

test('the known names are listed in the order of the rules', (t) => {
  t.deepEqual(knownNames(['wte.weight', 'x', 'module.head.weight', 'lm_head.weight', 'lm_head.bias']), [
    { name: 'lm_head.weight', kind: 'unembedding' },
    { name: 'wte.weight', kind: 'embedding' },
    { name: 'module.head.weight', kind: 'unembedding' },
  ]);
});

for (const name of [
  'transformer.lm_head.weight',
  'decoder.lm_head.weight',
  'foo.lm_head.weight',
  'lm_head',
  'unembed.weight',
]) {
  test(`${name} is an unembedding by its word, at a place that no rule knows`, (t) => {
    for (const tied of [true, false, null]) {
      const { name: taken, kind, notes } = chosen(['shared.weight', 'transformer.wte.weight', name], tied);
      t.is(taken, name);
      t.is(kind, 'unembedding');
      t.regex(notes.join(), new RegExp(`tensor ${name} is taken: .* by the word "`));
    }
    t.like(searchNamed(new Set([name]), name), { kind: 'unembedding' });
  });
}

test('an unembedding at an unknown place that is quantised, or one of several, is not passed over', (t) => {
  const embedding = 'transformer.wte.weight';
  t.deepEqual(searchUnembedding([embedding, 'foo.lm_head.scales', 'foo.lm_head.qweight'], true), {
    is: 'in parts',
    kind: 'unembedding',
    stem: 'foo.lm_head',
    parts: ['foo.lm_head.qweight', 'foo.lm_head.scales'],
  });
  const heads = ['policy.lm_head.weight', 'student.lm_head.weight'];
  t.deepEqual(searchUnembedding([embedding, ...heads], null), { is: 'several', heads });
});

test('of two matrices with the same right to a name none is taken', (t) => {
  for (const kept of ['lm_head', 'model.embed_tokens', 'shared']) {
    const heads = ['_orig_mod', 'base_model', 'module.net'].map((wrapper) => `${wrapper}.${kept}.weight`);
    for (const tied of [true, null])
      t.deepEqual(searchUnembedding([...heads, 'x.weight'], tied), {
        is: 'several',
        heads: heads.toSorted(),
      });
    for (const name of heads) t.is(chosen([name], true).name, name);
    t.is(chosen([...heads, `${kept}.weight`], true).name, `${kept}.weight`);
    t.deepEqual(
      knownNames(heads).map(({ name }) => name),
      heads,
    );
  }
});

test('the heads of later tokens and of other models are none of the model', (t) => {
  for (const name of [
    'mtp.lm_head.weight',
    'model.layers.61.lm_head.weight',
    'foo.lm_head.bias',
    'teacher.lm_head.weight',
    'ref_model.model.lm_head.weight',
    'audio_decoder.lm_head.weight',
    'model.depth_decoder.lm_head.weight',
  ])
    t.is(chosen([name, 'wte.weight'], true).name, 'wte.weight', name);
});

test('a name of classifiers too does not count beside a quantised lm_head', (t) => {
  t.deepEqual(searchUnembedding(['head.weight', 'module.lm_head.qweight', 'wte.weight'], true), {
    is: 'several',
    heads: ['head.weight', 'module.lm_head.qweight'],
  });
  t.is(chosen(['lm_head.weight', 'output.qweight']).name, 'lm_head.weight');
});

test("the matrix of RoBERTa's head is within its layer", (t) => {
  const names = ['lm_head.dense.weight', 'lm_head.layer_norm.weight', 'lm_head.decoder.weight'];
  t.is(chosen(names).name, 'lm_head.decoder.weight');
});
