/**
 * Lists the final norms there are, by what they multiply a normalised hidden state by: RMSNorm by the stored w, or by
 * (1 + w); LayerNorm, which also takes the mean off, likewise.
 */
export const normRules = ['rms', 'rms-one-plus', 'layer', 'layer-one-plus'] as const;

/** One of normRules. */
export type NormRule = (typeof normRules)[number];

/** What a rule says of a norm. */
export interface NormTraits {
  /** For a person. */
  text: string;
  /** Whether 1 is added to the stored weights. */
  isOnePlus: boolean;
  /** Whether the mean of a hidden state is taken off. */
  isCentred: boolean;
}

/** The rules, told. */
export const normTraits: Readonly<Record<NormRule, NormTraits>> = {
  rms: { text: 'RMSNorm by w', isOnePlus: false, isCentred: false },
  'rms-one-plus': { text: 'RMSNorm by (1 + w)', isOnePlus: true, isCentred: false },
  layer: { text: 'LayerNorm by w', isOnePlus: false, isCentred: true },
  'layer-one-plus': { text: 'LayerNorm by (1 + w)', isOnePlus: true, isCentred: true },
};

/**
 * Lists, by rule, the architectures whose final norm is known, as `model_type` of a configuration names them. One that is
 * not here is not guessed: of two Gemmas, or two Qwens, one stores w and the other w - 1. docs/folding.md has the same.
 */
export const modelTypes: Readonly<Record<NormRule, readonly string[]>> = {
  rms: [
    'apertus',
    'arcee',
    'aria_text',
    'baichuan',
    'bailing_moe',
    'bailing_moe_v2',
    'bamba',
    'bitnet',
    'cwm',
    'deepseek',
    'deepseek_v2',
    'deepseek_v3',
    'deepseek_v32',
    'diffllama',
    'dots1',
    'ernie4_5',
    'ernie4_5_moe',
    'exaone',
    'exaone4',
    'falcon_h1',
    'falcon_mamba',
    'gemma3n',
    'gemma3n_text',
    'gemma4',
    'gemma4_text',
    'glm',
    'glm4',
    'glm4_moe',
    'glm4v_text',
    'glm4v_moe_text',
    'gpt_oss',
    'granite',
    'granitemoe',
    'granitemoehybrid',
    'granitemoeshared',
    'helium',
    'hunyuan_v1_dense',
    'hunyuan_v1_moe',
    'internlm',
    'internlm2',
    'internlm3',
    'jamba',
    'jetmoe',
    'kimi_linear',
    'lfm2',
    'lfm2_moe',
    'llama',
    'llama4_text',
    'longcat_flash',
    'mamba',
    'mamba2',
    'mimo',
    'minicpm',
    'minicpm3',
    'minimax',
    'minimax_m2',
    'ministral',
    'ministral3',
    'mistral',
    'mixtral',
    'mllama_text_model',
    'mt5',
    'nemotron_h',
    'nemotron-nas',
    'olmo2',
    'olmo3',
    'olmoe',
    'openelm',
    'phi3',
    'phi4_multimodal',
    'qwen',
    'qwen2',
    'qwen2_5_omni_text',
    'qwen2_5_vl',
    'qwen2_5_vl_text',
    'qwen2_moe',
    'qwen2_vl',
    'qwen2_vl_text',
    'qwen3',
    'qwen3_moe',
    'qwen3_omni_moe_text',
    'qwen3_vl_moe_text',
    'qwen3_vl_text',
    'seed_oss',
    'smollm3',
    't5',
    'umt5',
    'zamba',
    'zamba2',
  ],
  'rms-one-plus': [
    'gemma',
    'gemma2',
    'gemma3',
    'gemma3_text',
    'qwen3_5',
    'qwen3_5_moe',
    'qwen3_5_moe_text',
    'qwen3_5_text',
    'qwen3_next',
    'recurrent_gemma',
    'step3p5',
    'vaultgemma',
  ],
  layer: [
    'bloom',
    'codegen',
    'cohere',
    'cohere2',
    'ctrl',
    'dbrx',
    'falcon',
    'gpt2',
    'gpt_bigcode',
    'gpt_neo',
    'gpt_neox',
    'gptj',
    'mpt',
    'opt',
    'persimmon',
    'phi',
    'phi3small',
    'phimoe',
    'rwkv',
    'rwkv7',
    'stablelm',
    'starcoder2',
    'xglm',
  ],
  'layer-one-plus': ['nemotron'],
};

/** Says what final norm an architecture has; null for one that is not known. */
export function normRuleOf(modelType: string): NormRule | null {
  return normRules.find((rule) => modelTypes[rule].includes(modelType)) ?? null;
}
