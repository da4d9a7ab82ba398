import { basename, join, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { exists } from '../files/exists.js';
import { asRecord } from '../files/json.js';
import { readJsonObject } from '../files/json-file.js';
import { namesIn } from '../files/names-in.js';
import { type Normalisation, normalisationOf } from './normalisation.js';

/** Facts about a model; null where nothing says them. */
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

/** A checkpoint's configuration. */
export interface ModelConfig {
  /** Name of its file: 'config.json', 'params.json'. */
  file: string;
  model: Model;
  /** `model_type` of the language model, where the configuration has a section for it; null where nothing says it. */
  textType: string | null;
  /** Normalisation of the stored head before the model uses it; null where it uses the rows as they are. */
  normalisation: Normalisation | null;
}

/** The files that a configuration may be in: that of transformers, and that of Llama's and Mistral's own format. */
export const configNames: readonly string[] = ['config.json', 'params.json'];

/**
 * Reads the configuration of a checkpoint's directory. Multimodal models keep the language model's in a section of it,
 * whose values count before those around it, which are often left from a default.
 *
 * @throws InputError where there is none, or it is no JSON object
 */
export async function readModelConfig(directory: string): Promise<ModelConfig> {
  const name = await findConfig(directory);
  if (name === null) {
    throw new InputError(`${directory}: holds ${noCheckpoint(directory)}`);
  }
  const config = await readJsonObject(join(directory, name), "the checkpoint's configuration");
  const sections = textSections(config);
  const model: Model = {
    ...nameOf(directory),
    modelType: textOrNull(config.model_type) ?? first(sections, ['model_type'], textOrNull),
    tied: first(sections, tyingKeys, booleanOrNull),
    hiddenSize: first(sections, widthKeys, countOrNull),
    vocabSize: first(sections, vocabularyKeys, countOrNull),
  };
  const saysNormHead = first(sections, ['norm_head'], booleanOrNull) ?? false;
  const textType = first(sections, ['model_type'], textOrNull);
  return { file: name, model, textType, normalisation: normalisationOf(model, saysNormHead) };
}

/** Says that a directory without a configuration is no checkpoint, and what of it may be given instead. */
export function noCheckpoint(directory: string): string {
  const weights = namesIn(directory).filter((name) => weightName.test(name));
  const some = weights.slice(0, 3).join(', ');
  const advice = weights.length === 0 ? '' : `, or a file of weights, as ${some}`;
  return `no checkpoint (no ${configNames.join(' nor ')}); give the directory of one${advice}`;
}

/** Names of files of weights. */
export const weightName = /\.(?:safetensors|bin|pth?|ckpt|npy)$/;

/** Finds the configuration that lies in a directory; null where there is none. */
export async function findConfig(directory: string): Promise<string | null> {
  for (const name of configNames) {
    if (await exists(join(directory, name), "the checkpoint's configuration")) return name;
  }
  return null;
}

/** transformers, Mamba, OpenELM, Mistral's own format, OLMo's own format, Megatron Core. */
const tyingKeys: readonly string[] = [
  'tie_word_embeddings',
  'tie_embeddings',
  'share_input_output_layers',
  'tied_embeddings',
  'weight_tying',
  'share_embeddings_and_output_weights',
];

/** OPT's embeddings may be narrower than its layers; then GPT-2, BLOOM, MPT and OLMo, OpenELM, Mistral's own format. */
const widthKeys: readonly string[] = [
  'word_embed_proj_dim',
  'hidden_size',
  'n_embd',
  'n_embed',
  'd_model',
  'model_dim',
  'embed_dim',
  'dim',
];

/** ChatGLM pads its vocabulary, and says both sizes. */
const vocabularyKeys: readonly string[] = ['padded_vocab_size', 'vocab_size', 'n_vocab'];

/** Sections in which multimodal models keep what a language model's config has at the top, or another such section. */
const sectionNames: readonly string[] = [
  'thinker_config',
  'text_config',
  'llm_config',
  'language_config',
  'language_model_config',
  'lm_config',
  'text_model_config',
  'decoder',
];

/** Sections within sections; multimodal models have two. */
const DEEPEST = 16;

/** The sections of a configuration that speak of the language model, from the innermost to the whole. */
function textSections(config: Record<string, unknown>): Record<string, unknown>[] {
  const sections = [config];
  for (let depth = 0; depth < DEEPEST; depth++) {
    const outer = sections[0]!;
    const inner = sectionNames.map((key) => asRecord(outer[key])).find((found) => found !== null);
    if (inner === undefined || inner === null) break;
    sections.unshift(inner);
  }
  return sections;
}

/** The first value under one of the keys that is what `parse` takes it for. */
function first<Value>(
  sections: readonly Record<string, unknown>[],
  keys: readonly string[],
  parse: (value: unknown) => Value | null,
): Value | null {
  for (const section of sections) {
    for (const key of keys) {
      const value = parse(section[key]);
      if (value !== null) return value;
    }
  }
  return null;
}

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
