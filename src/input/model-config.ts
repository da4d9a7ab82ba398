import { basename, join, resolve } from 'node:path';
import { asRecord } from '../files/json.js';
import { readJsonObject } from '../files/json-file.js';

/** What is known of the model; null where nothing says it. */
export interface Model {
  /** 'Qwen/Qwen3-4B' from the hub's cache, else the name of the directory or file. */
  name: string;
  /** The commit of a snapshot in the hub's cache. */
  revision: string | null;
  /** `model_type`: 'qwen3', 'llama', ... */
  modelType: string | null;
  /** `tie_word_embeddings`: the embedding matrix is the unembedding matrix. */
  tied: boolean | null;
  /** d */
  hiddenSize: number | null;
  /** The rows that the config promises; the matrix may have more or fewer. */
  vocabSize: number | null;
}

/**
 * Reads a Hugging Face directory's config.json. Multimodal models keep the language model's in a section of it.
 *
 * @throws InputError where config.json is missing or is no JSON object
 */
export async function readModelConfig(directory: string): Promise<Model> {
  const file = join(directory, 'config.json');
  const config = await readJsonObject(file, "the checkpoint's configuration");
  const section = textSections.map((key) => asRecord(config[key])).find((found) => found !== null) ?? {};
  const lookUp = (key: string) => config[key] ?? section[key];
  return {
    ...nameOf(directory),
    modelType: textOrNull(config.model_type ?? section.model_type),
    tied: booleanOrNull(lookUp('tie_word_embeddings')),
    hiddenSize: countOrNull(hiddenSizeKeys.map(lookUp).find((found) => found != null)),
    vocabSize: countOrNull(lookUp('vocab_size')),
  };
}

/** OPT's embeddings may be narrower than its layers; GPT-2 says n_embd, BLOOM n_embed, MPT and OLMo d_model. */
const hiddenSizeKeys: readonly string[] = [
  'word_embed_proj_dim',
  'hidden_size',
  'n_embd',
  'n_embed',
  'd_model',
];

/** Where multimodal models keep what a language model's config has at the top. */
const textSections: readonly string[] = ['text_config', 'llm_config', 'language_config'];

/** The hub's cache is <cache>/models--<owner>--<name>/snapshots/<commit>/. */
function nameOf(directory: string): Pick<Model, 'name' | 'revision'> {
  const path = resolve(directory);
  const cached = /[\\/]models--([^\\/]+)[\\/]snapshots[\\/]([^\\/]+)$/.exec(path);
  if (cached === null) return { name: basename(path), revision: null };
  return { name: cached[1]!.replace('--', '/'), revision: cached[2]! };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function booleanOrNull(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

function countOrNull(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : null;
}
