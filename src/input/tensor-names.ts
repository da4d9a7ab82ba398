/**
 * The names of the unembedding matrix in Hugging Face checkpoints, most usual first. Multimodal checkpoints prefix
 * the language model's tensors; which prefix depends on the version of transformers that saved them.
 */
export const unembeddingNames: readonly string[] = [
  'lm_head.weight',
  'language_model.lm_head.weight',
  'model.language_model.lm_head.weight',
  // GPT-NeoX, Pythia
  'embed_out.weight',
];

/** The names of the embedding matrix, which is the unembedding matrix too where the two are tied. */
export const embeddingNames: readonly string[] = [
  'model.embed_tokens.weight',
  'model.language_model.embed_tokens.weight',
  'language_model.model.embed_tokens.weight',
  'language_model.embed_tokens.weight',
  'model.text_model.embed_tokens.weight',
  // GPT-2
  'transformer.wte.weight',
  'wte.weight',
];
