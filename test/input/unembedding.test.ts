import test from 'ava';
import { chooseUnembedding, knownNames } from '../../src/input/unembedding.js';

test('real families are found by their own names', (t) => {
  const families: [what: string, names: string[], tied: boolean | null, expected: string][] = [
    ['GPT-2 of the hub', ['wte.weight', 'wpe.weight', 'ln_f.weight'], null, 'wte.weight'],
    ['Pythia', ['gpt_neox.embed_in.weight', 'embed_out.weight'], false, 'embed_out.weight'],
    ['Gemma', ['model.embed_tokens.weight', 'model.norm.weight'], null, 'model.embed_tokens.weight'],
    ['Llama', ['model.embed_tokens.weight', 'lm_head.weight'], false, 'lm_head.weight'],
    ['Phi-2', ['transformer.embd.wte.weight', 'lm_head.linear.weight'], false, 'lm_head.linear.weight'],
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
  ];
  for (const [what, names, tied, expected] of families) {
    t.is(chooseUnembedding(new Set(names), tied)?.name, expected, what);
  }
});

test('untied embeddings are not taken, and unknown names are not guessed', (t) => {
  t.is(chooseUnembedding(new Set(['model.embed_tokens.weight']), false), null);
  t.is(chooseUnembedding(new Set(['encoder.weight']), null), null);
});

test('the known names are listed in the order of the rules', (t) => {
  const names = new Set(['wte.weight', 'x', 'lm_head.weight']);
  t.deepEqual(knownNames(names), ['lm_head.weight', 'wte.weight']);
});
