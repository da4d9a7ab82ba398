/** A name under which checkpoints store the unembedding matrix, and who does so. */
export interface TensorRule {
  name: string;
  /** An embedding is the unembedding matrix only where the two are tied. */
  kind: 'unembedding' | 'embedding';
  families: string;
}

/**
 * How the matrix is found in a checkpoint: the first of these names that is there, unembeddings before embeddings.
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
  { name: 'model.transformer.ff_out.weight', kind: 'unembedding', families: "OLMo's own format, LLaDA" },
  {
    name: 'transformer.output_layer.weight',
    kind: 'unembedding',
    families: 'ChatGLM, GLM-4 in their own format',
  },
  { name: 'language_model.output.weight', kind: 'unembedding', families: 'InternVL on InternLM2' },
  { name: 'output.weight', kind: 'unembedding', families: "InternLM2; Llama's and Mistral's own format" },

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
];

export const unembeddingNames: readonly string[] = namesOf('unembedding');

/** The names of the embedding matrix, which is the unembedding matrix too where the two are tied. */
export const embeddingNames: readonly string[] = namesOf('embedding');

function namesOf(kind: TensorRule['kind']): string[] {
  return tensorRules.filter((rule) => rule.kind === kind).map(({ name }) => name);
}
