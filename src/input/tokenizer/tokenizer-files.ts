/** Lists the files that a tokenizer may be in; a repository has some of them. */
export const tokenizerNames: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'tekken.json',
  'tiktoken.model',
  'qwen.tiktoken',
];
