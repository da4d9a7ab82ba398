/** A name under which checkpoints store the weights of their final norm, and who does so. */
export interface NormName {
  /** Name of the tensor: a stem, and `.weight`. The norm's bias is the stem's `.bias`. */
  name: string;
  families: string;
}

/** Lists how the final norm is found in a checkpoint: the first of these names that is there. */
export const normNames: readonly NormName[] = [
  { name: 'model.norm.weight', families: 'Llama, Qwen, Mistral, Phi-3, OLMo, Gemma, most others' },
  { name: 'model.language_model.norm.weight', families: 'multimodal: Qwen-VL, Gemma 3n, Mistral 3' },
  {
    name: 'language_model.model.norm.weight',
    families: 'multimodal: Gemma 3, LLaVA, Llama 4, Mllama, PaliGemma, InternVL',
  },
  { name: 'language_model.norm.weight', families: 'multimodal, base model alone' },
  { name: 'model.text_model.norm.weight', families: 'Idefics 3, SmolVLM' },
  { name: 'thinker.model.norm.weight', families: 'Qwen-Omni' },
  { name: 'llm.model.norm.weight', families: 'MiniCPM-V' },
  { name: 'transformer.ln_f.weight', families: 'GPT-2, GPT-J, GPT-BigCode, Falcon, BLOOM, Qwen 1, EXAONE' },
  { name: 'ln_f.weight', families: 'GPT-2, BLOOM, base model alone, as the hub has it' },
  { name: 'gpt_neox.final_layer_norm.weight', families: 'GPT-NeoX, Pythia' },
  { name: 'model.decoder.final_layer_norm.weight', families: 'OPT' },
  { name: 'decoder.final_layer_norm.weight', families: 'OPT, base model alone; T5' },
  { name: 'model.final_layernorm.weight', families: 'Phi-1, Phi-2, Persimmon, Falcon-H1, Jamba, Zamba' },
  { name: 'backbone.norm_f.weight', families: 'Mamba, Nemotron-H' },
  { name: 'transformer.norm_f.weight', families: 'MPT, DBRX' },
  { name: 'transformer.norm.weight', families: 'OpenELM' },
  { name: 'transformer.encoder.final_layernorm.weight', families: 'ChatGLM, GLM-4 in their own format' },
  { name: 'transformer.layernorm.weight', families: 'CTRL' },
  { name: 'model.embedding_norm.weight', families: 'LFM2' },
  { name: 'model.final_norm.weight', families: 'RecurrentGemma' },
  { name: 'model.layer_norm.weight', families: 'XGLM' },
  { name: 'model.transformer.ln_f.weight', families: "OLMo's own format, LLaDA" },
  { name: 'lm_head.ln.weight', families: 'Phi-1, Phi-2 in their own first format' },
  { name: 'rwkv.ln_out.weight', families: 'RWKV 4 to 6' },
  { name: 'ln_out.weight', families: "RWKV's own format" },
  { name: 'language_model.encoder.final_layernorm.weight', families: 'Megatron-LM' },
  { name: 'decoder.final_layernorm.weight', families: 'Megatron Core' },
  { name: 'output_norm.weight', families: "llama.cpp's names" },
  { name: 'norm.weight', families: "base model alone; Llama's and Mistral's own format" },
];
