import { shapeText } from '../../formats/shape.js';
import { harmlessText } from '../../text/visible-text.js';
import type { NormSearch, VectorSource } from '../checkpoint.js';
import { type Recognised, recogniserOf, stemOf } from '../matrix/recognise-tensor.js';
import type { ModelConfig } from '../model-config.js';
import type { Weights } from '../weights/weights.js';
import { type NormName, normNames } from './norm-names.js';
import { type NormRule, normRuleOf, normRules, normTraits } from './norm-rules.js';

/** What is wanted of a checkpoint's final norm; where nothing is wanted, it is not looked for. */
export interface NormWish {
  /** Whether it is to be folded into the rows, or only looked at. */
  isFolded: boolean;
  /** What it is, where that is known without the checkpoint, and who says so: by default the user, by --norm-rule. */
  rule?: NormRule | undefined;
  by?: string | undefined;
}

/** Where the tensors of a checkpoint are. */
export interface TensorPlaces {
  /** Directory or file, for messages. */
  path: string;
  names: readonly string[];
  /** Null for a file that no configuration speaks of. */
  config: Pick<ModelConfig, 'file' | 'textType'> | null;
  /** Reads what the file holds in which a tensor is said to be. */
  weightsOf(name: string): Promise<Weights>;
}

/** The matrix into whose rows a norm is folded. */
export interface NormedMatrix {
  tensor: string | null;
  columns: number;
  /** Whether the model unembeds with it, before which alone the final norm stands; null where nothing tells. */
  isOutput: boolean | null;
}

/**
 * Looks for the final norm by the names that are there, and for what it is by the architecture, which alone tells whether w
 * is stored or w - 1. Of the weights nothing is read but headers.
 *
 * @param wish what it is, where that is known
 * @returns why there is none that can be folded, where that is so
 */
export async function findNorm(
  places: TensorPlaces,
  matrix: NormedMatrix,
  wish: Pick<NormWish, 'rule' | 'by'>,
): Promise<NormSearch> {
  const no = (problem: string): NormSearch => ({ norm: null, problem: `${places.path}: ${problem}` });
  if (matrix.isOutput === false || (matrix.isOutput === null && wish.rule === undefined)) {
    const is = `the final norm stands before the matrix that the model unembeds with, which ${matrix.tensor} is not`;
    return no(
      matrix.isOutput === null
        ? `${is} known to be; leave it unfolded, or say with --norm-rule what the norm before it is`
        : `${is}; leave it unfolded`,
    );
  }
  const told = ruleOf(places.config, wish);
  if (told === null) return no(unknownRule(places.config));
  const { names } = places;
  const found = searchNorm(namesBeside(matrix.tensor, names));
  if (found.length === 0) {
    return no(
      'holds no final norm under a known name, as model.norm.weight or transformer.ln_f.weight; leave it unfolded, give a ' +
        'checkpoint that holds it, or multiply the rows by its weights yourself',
    );
  }
  const [first, second] = found as [Recognised<NormName>, Recognised<NormName>?];
  if (second !== undefined) {
    const both = `${harmlessText(first.stored)} and ${harmlessText(second.stored)}`;
    return no(`${both} may both be the final norm; give a checkpoint with one model alone`);
  }
  const weight = await vectorOf(places, first.stored, matrix.columns);
  if (typeof weight === 'string') return no(weight);
  const biasName = names.find((name) => isBiasOf(name, first));
  if (biasName === undefined) return { norm: { ...told, weight, bias: null }, problem: null };
  if (!normTraits[told.rule].isCentred) {
    return no(
      `the final norm ${first.stored} has a bias, ${biasName}, which no RMSNorm has, as it is one by ${told.by}; say what it ` +
        'is, as with --norm-rule layer',
    );
  }
  const bias = await vectorOf(places, biasName, matrix.columns);
  return typeof bias === 'string' ? no(bias) : { norm: { ...told, weight, bias }, problem: null };
}

/**
 * Finds a vector among the tensors of a checkpoint.
 *
 * @param length of it, as it is to be
 * @returns in words, what is wrong with it
 */
export async function vectorOf(
  { weightsOf }: Pick<TensorPlaces, 'weightsOf'>,
  name: string,
  length: number,
): Promise<VectorSource | string> {
  const weights = await weightsOf(name);
  const entry = weights.entries.find((tensor) => tensor.name === name);
  if (entry === undefined) return `the index says that ${name} is in ${weights.file}, but it is not`;
  const { dtype, shape } = entry;
  if (dtype === null) return `${name} has the dtype ${entry.storedDtype}, which is not read`;
  if (shape.length !== 1 || shape[0] !== length)
    return `${name} is ${shapeText(shape)}, expected ${shapeText([length])}`;
  return { file: weights.file, byteOffset: weights.byteOffset(entry), length, dtype, tensor: name };
}

const recogniseNorm = recogniserOf(normNames);

/**
 * Names of tensors that lie where a matrix does, in the same model of several: those that begin as its own name does, up to
 * what is known of it; all where none does.
 */
function namesBeside(tensor: string | null, names: readonly string[]): readonly string[] {
  const start =
    tensor === null ? '' : tensor.slice(0, tensor.lastIndexOf('.', tensor.lastIndexOf('.') - 1) + 1);
  const beside = names.filter((name) => name.startsWith(start) && recogniseNorm(name)?.part === 'weight');
  return beside.length > 0 ? beside : names;
}

/** The weights of norms under the first of the known names that is there; two where two have the same right to it. */
function searchNorm(names: readonly string[]): Recognised<NormName>[] {
  const known = names
    .map(recogniseNorm)
    .filter((norm) => norm !== null)
    .filter(({ part }) => part === 'weight');
  for (const isWrapped of [false, true]) {
    for (const rule of normNames) {
      const found = known.filter((norm) => norm.rule === rule && norm.removed.length > 0 === isWrapped);
      if (found.length > 0) return found;
    }
  }
  return [];
}

function isBiasOf(name: string, { stored }: Recognised<NormName>): boolean {
  return name === `${stemOf({ name: stored })}.bias`;
}

/** What the norm is, and who says so; null where nobody does. */
function ruleOf(
  config: TensorPlaces['config'],
  { rule: known, by = '--norm-rule' }: Pick<NormWish, 'rule' | 'by'>,
): { rule: NormRule; by: string } | null {
  if (known !== undefined) return { rule: known, by };
  const type = config?.textType ?? null;
  const rule = type === null ? null : normRuleOf(type);
  return rule === null ? null : { rule, by: `model_type ${type} of ${config?.file}` };
}

function unknownRule(config: TensorPlaces['config']): string {
  const type = config?.textType ?? null;
  const what =
    config === null
      ? 'there is no configuration'
      : type === null
        ? `${config.file} has no model_type`
        : `${config.file} has the model_type ${harmlessText(type)}, which is not known`;
  return (
    `${what}, and nothing else says what the final norm is: whether it multiplies by its weights w or by (1 + w), and ` +
    `whether it is a LayerNorm; say it with --norm-rule ${normRules.join('|')}`
  );
}
