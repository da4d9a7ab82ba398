/** A name under which checkpoints store the unembedding matrix, and who does so. */
export interface TensorRule {
  /** Name of the tensor: a stem, and `.weight`. Other tensors of the same stem belong to the same layer. */
  name: string;
  /** An embedding is the unembedding matrix only where the two are tied. */
  kind: 'unembedding' | 'embedding';
  families: string;
}

/**
 * Lists how the matrix is found in a checkpoint: the first of these names that is there, unembeddings before embeddings.
 * Multimodal checkpoints prefix the language model's tensors; which prefix depends on the version of transformers
 * that saved them. The most usual come first, names that others use for other things (`output.weight`) last.
 * docs/checkpoints.md holds the same table for readers.
 */
export const tensorRules: readonly TensorRule[] = [
  {
    name: 'lm_head.weight',
    kind: 'unembedding',
    families: 'Llama, Qwen, Mistral, Phi, OLMo, Gemma, GPT-J, Falcon, most others',
  },
  {
    name: 'language_model.lm_head.weight',
    kind: 'unembedding',
    families: 'multimodal: LLaVA, Llama 4, Mllama, PaliGemma, InternVL',
  },
  {
    name: 'model.language_model.lm_head.weight',
    kind: 'unembedding',
    families: 'multimodal exports, nested once more',
  },
  { name: 'thinker.lm_head.weight', kind: 'unembedding', families: 'Qwen-Omni' },
  { name: 'llm.lm_head.weight', kind: 'unembedding', families: 'MiniCPM-V' },
  { name: 'text_model.lm_head.weight', kind: 'unembedding', families: 'Kosmos-2' },
  { name: 'embed_out.weight', kind: 'unembedding', families: 'GPT-NeoX, Pythia' },
  { name: 'lm_head.linear.weight', kind: 'unembedding', families: 'Phi-1, Phi-2 in their own first format' },
  { name: 'lm_head.decoder.weight', kind: 'unembedding', families: 'RoBERTa, in exports of its head' },
  { name: 'model.transformer.ff_out.weight', kind: 'unembedding', families: "OLMo's own format, LLaDA" },
  {
    name: 'transformer.output_layer.weight',
    kind: 'unembedding',
    families: 'ChatGLM, GLM-4 in their own format',
  },
  { name: 'language_model.output.weight', kind: 'unembedding', families: 'InternVL on InternLM2' },
  { name: 'output.weight', kind: 'unembedding', families: "InternLM2; Llama's and Mistral's own format" },
  { name: 'unembedding.weight', kind: 'unembedding', families: "gpt-oss's own format" },
  { name: 'language_model.output_layer.weight', kind: 'unembedding', families: 'Megatron-LM' },
  { name: 'output_layer.weight', kind: 'unembedding', families: 'Megatron Core' },
  { name: 'decoder.output_projection.weight', kind: 'unembedding', families: 'fairseq' },
  { name: 'word_embeddings_for_head.weight', kind: 'unembedding', families: "Persimmon's own format" },
  { name: 'head.weight', kind: 'unembedding', families: "RWKV; DeepSeek's own format" },
  { name: 'head.decoder.weight', kind: 'unembedding', families: 'ModernBERT' },
  { name: 'head.out.weight', kind: 'unembedding', families: 'WavTokenizer' },

  {
    name: 'model.embed_tokens.weight',
    kind: 'embedding',
    families: 'Llama, Qwen, Mistral, Phi, OLMo, Gemma, most others',
  },
  {
    name: 'model.language_model.embed_tokens.weight',
    kind: 'embedding',
    families: 'multimodal: Qwen-VL, Gemma 3n, Mistral 3',
  },
  {
    name: 'language_model.model.embed_tokens.weight',
    kind: 'embedding',
    families: 'multimodal: Gemma 3, LLaVA, Llama 4, Mllama, PaliGemma, InternVL',
  },
  { name: 'language_model.embed_tokens.weight', kind: 'embedding', families: 'multimodal, base model alone' },
  { name: 'model.text_model.embed_tokens.weight', kind: 'embedding', families: 'Idefics 3, SmolVLM' },
  { name: 'text_model.model.embed_tokens.weight', kind: 'embedding', families: 'Kosmos-2' },
  { name: 'thinker.model.embed_tokens.weight', kind: 'embedding', families: 'Qwen-Omni' },
  { name: 'llm.model.embed_tokens.weight', kind: 'embedding', families: 'MiniCPM-V' },
  { name: 'embed_tokens.weight', kind: 'embedding', families: 'base model alone' },
  { name: 'model.decoder.embed_tokens.weight', kind: 'embedding', families: 'OPT' },
  { name: 'decoder.embed_tokens.weight', kind: 'embedding', families: 'OPT, base model alone' },
  { name: 'transformer.wte.weight', kind: 'embedding', families: 'GPT-2, GPT-J, GPT-BigCode, MPT, Qwen 1' },
  { name: 'wte.weight', kind: 'embedding', families: 'GPT-2, base model alone, as the hub has it' },
  { name: 'transformer.word_embeddings.weight', kind: 'embedding', families: 'Falcon, BLOOM' },
  { name: 'word_embeddings.weight', kind: 'embedding', families: 'BLOOM, base model alone' },
  { name: 'gpt_neox.embed_in.weight', kind: 'embedding', families: 'GPT-NeoX, Pythia' },
  {
    name: 'transformer.embd.wte.weight',
    kind: 'embedding',
    families: 'Phi-1, Phi-2 in their own first format',
  },
  { name: 'model.transformer.wte.weight', kind: 'embedding', families: "OLMo's own format, LLaDA" },
  {
    name: 'transformer.embedding.word_embeddings.weight',
    kind: 'embedding',
    families: 'ChatGLM, GLM-4 in their own format',
  },
  { name: 'backbone.embeddings.weight', kind: 'embedding', families: 'Mamba' },
  { name: 'backbone.embedding.weight', kind: 'embedding', families: "Mamba's own format" },
  { name: 'model.tok_embeddings.weight', kind: 'embedding', families: 'InternLM2' },
  {
    name: 'language_model.model.tok_embeddings.weight',
    kind: 'embedding',
    families: 'InternVL on InternLM2',
  },
  { name: 'tok_embeddings.weight', kind: 'embedding', families: "Llama's and Mistral's own format" },
  { name: 'transformer.token_embeddings.weight', kind: 'embedding', families: 'OpenELM' },
  { name: 'model.word_embeddings.weight', kind: 'embedding', families: 'Bailing, Ling' },
  { name: 'rwkv.embeddings.weight', kind: 'embedding', families: 'RWKV 4 to 6' },
  { name: 'model.embeddings.weight', kind: 'embedding', families: 'RWKV 7' },
  { name: 'emb.weight', kind: 'embedding', families: "RWKV's own format" },
  { name: 'transformer.tokens_embed.weight', kind: 'embedding', families: 'OpenAI GPT' },
  { name: 'tokens_embed.weight', kind: 'embedding', families: 'OpenAI GPT, base model alone' },
  { name: 'transformer.in_out_embed.weight', kind: 'embedding', families: 'Grok 1' },
  { name: 'embedder.weight', kind: 'embedding', families: "Gemma's own format" },
  { name: 'embed.weight', kind: 'embedding', families: "DeepSeek's own format" },
  { name: 'embedding.weight', kind: 'embedding', families: "gpt-oss's own format" },
  { name: 'model.embedding.weight', kind: 'embedding', families: 'Mamba within a sequence model' },
  { name: 'model.embed.weight', kind: 'embedding', families: 'Talkie' },
  { name: 'language_model.embedding.word_embeddings.weight', kind: 'embedding', families: 'Megatron-LM' },
  { name: 'embedding.word_embeddings.weight', kind: 'embedding', families: 'Megatron Core' },
  { name: 'shared.weight', kind: 'embedding', families: 'T5' },
  { name: 'embeddings.word_embeddings.weight', kind: 'embedding', families: 'BERT, base model alone' },
  { name: 'embeddings.tok_embeddings.weight', kind: 'embedding', families: 'ModernBERT, base model alone' },
];

/** The names of the unembedding matrix, in the order in which they are looked for. */
export const unembeddingNames: readonly string[] = namesOf('unembedding');

/** The names of the embedding matrix, which is the unembedding matrix too where the two are tied. */
export const embeddingNames: readonly string[] = namesOf('embedding');

/** Words of an unembedding alone: a tensor is of one where its name has such a part, whatever stands before. */
export const headWords: readonly string[] = [
  'lm_head',
  'unembed',
  'unembedding',
  'output_embedding',
  'output_embeddings',
  'embed_out',
  'word_embeddings_for_head',
];

/** Stems of heads that other models have as well, over classes instead of tokens. */
export const ambiguousHeads: readonly string[] = ['output', 'head', 'head.out', 'head.decoder'];

/** Parts of names before a head that is not that of the model's next token, but of later ones, or of another model. */
export const otherModels: RegExp =
  /^(?:mtp|nextn|medusa|eagle|draft|talker|code_predictor|teacher|ref_model|reference_model|audio|vision|tts|codec|depth_decoder)/;

/** A part that training tools, and multimodal models, put into the names of tensors. */
export interface Wrapper {
  name: string;
  /** Place in the name: before all of it, or anywhere in it. */
  where: 'front' | 'anywhere';
  /** Who writes it. */
  by: string;
}

/** Lists what is taken off a name that is not known as it is, from its front again and again. */
export const wrappers: readonly Wrapper[] = [
  { name: '_orig_mod', where: 'anywhere', by: 'torch.compile' },
  { name: '_fsdp_wrapped_module', where: 'anywhere', by: 'PyTorch FSDP' },
  { name: '_checkpoint_wrapped_module', where: 'anywhere', by: 'activation checkpointing' },
  { name: '_forward_module', where: 'anywhere', by: 'Lightning Fabric' },
  { name: 'module', where: 'front', by: 'DistributedDataParallel, DeepSpeed' },
  { name: 'base_model', where: 'front', by: 'PEFT' },
  { name: 'pretrained_model', where: 'front', by: 'TRL' },
  { name: 'model', where: 'front', by: 'Lightning and other modules of trainings, by habit' },
  { name: '_model', where: 'front', by: 'modules of trainings, by habit' },
  { name: 'net', where: 'front', by: 'modules of trainings, by habit' },
  { name: 'network', where: 'front', by: 'modules of trainings, by habit' },
  { name: 'lm', where: 'front', by: 'modules of trainings, by habit' },
  { name: 'gpt', where: 'front', by: 'modules of trainings, by habit' },
  { name: 'llm', where: 'front', by: 'multimodal models, before their language model' },
  { name: 'language_model', where: 'front', by: 'multimodal models, before their language model' },
  { name: 'text_model', where: 'front', by: 'multimodal models, before their language model' },
  { name: 'thinker', where: 'front', by: 'Qwen-Omni, before its language model' },
];

function namesOf(kind: TensorRule['kind']): string[] {
  return tensorRules.filter((rule) => rule.kind === kind).map(({ name }) => name);
}
