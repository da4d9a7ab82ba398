import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { parseJson } from '../files/json.js';
import { readText } from '../files/read-text.js';
import { headRowChoices } from '../input/head-rows.js';
import { matrixSides } from '../input/matrix/matrix-side.js';
import { foldNormChoices } from '../input/norm/choose-fold.js';
import type { NormWish } from '../input/norm/find-norm.js';
import { normRules } from '../input/norm/norm-rules.js';
import { backendNames } from '../linalg/backend/backend.js';
import { type ExportKind, exportKinds } from '../output/export-kinds.js';
import type { ExportsConfig } from '../output/exports.js';
import { partitionFormats } from '../plan/plan-run.js';
import { parseRidge, RIDGE_FORMS, type Ridge } from '../plan/ridge.js';
import { rowSelections } from '../plan/row-selection.js';
import { secondMoments } from '../plan/second-moment.js';
import { parseWeighting, WEIGHTING_FORMS, type Weighting } from '../plan/weighting.js';
import { firstLines } from '../text/first-lines.js';
import { nearest } from '../text/nearest.js';
import { shownValue } from '../text/shown-value.js';
import { expectation } from './expectation.js';

/** The ridge rho of a computed metric (C + rho I)^-1, where none is asked for. */
export const DEFAULT_RIDGE = 1e-6;

/**
 * Rows of a partition, where none are asked for: 63 MB at d = 2560, which one worker holds in memory, and 25
 * files for 151,936 rows, few enough that readers open them at once.
 */
const DEFAULT_PARTITION_ROWS = 6144;

/** Which tables of the derived geometry there are to be. */
export const tableChoices = ['all', 'none'] as const;

/** Lists of 1,000 tokens are 15 million rows at d = 2560. */
const MAX_TOP = 1000;

const wholeNumber = z.int().min(1);
const path = z.string().min(1);

const syntheticSchema = z.strictObject({
  rows: wholeNumber,
  hidden: wholeNumber,
  seed: z.int().min(0).default(42),
  /** Where the checkpoint is made once, and found again. */
  directory: path,
});

const torchPaths = z.strictObject({ eigenbasis: path, projections: path });
const projectionsPath = z.strictObject({ projections: path });
const torchExport = z.union(
  [z.literal(true), torchPaths],
  'expected true, or {"eigenbasis": path, "projections": path}',
);
const projectionsExport = z.union(
  [z.literal(true), projectionsPath],
  'expected true, or {"projections": path}',
);

/** `true`: the default names inside the output directory. */
const exportsSchema = z.strictObject({
  pt: torchExport.optional(),
  safetensors: projectionsExport.optional(),
  npy: projectionsExport.optional(),
}) satisfies z.ZodType<ExportsConfig>;

/** The options of one run, as they stand in a configuration file. Paths are relative to the working directory. */
export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  /** What the model is called in metadata; by default the checkpoint says. */
  name: z.string().min(1).optional(),
  /** Checkpoint: a Hugging Face directory, a .safetensors or a .npy file, or owner/name[@revision] on the hub. */
  model: path.optional(),
  /** Instead of `model`: a made-up checkpoint, generated on first use. */
  synthetic: syntheticSchema.optional(),
  /** Name of the tensor to use, where it is not the one that is found by itself. */
  tensor: z.string().min(1).optional(),
  /** On which side of the model: the unembedding matrix, or the input embedding. */
  side: z.enum(matrixSides).default('output'),
  /** Which rows of the tensor: all, or those that the checkpoint's tokenizer has a token for. */
  rows: z.enum(rowSelections).default('all'),
  /** Whether the rows of a head that the model normalises are too: by default they are. */
  headRows: z.enum(headRowChoices).optional(),
  /** Whether the norm before the unembedding is folded into its rows. */
  foldNorm: z.enum(foldNormChoices).default('no'),
  /** What that norm is, where the architecture is not known. */
  normRule: z.enum(normRules).optional(),
  /** Metric file (.pt, .safetensors, .npy); without it the metric is computed from the checkpoint. */
  metric: path.optional(),
  /** rho, or 'relative=X' for X tr C / d. */
  ridge: z
    .union([z.number(), z.string()])
    .refine((given) => parseRidge(given) !== undefined, `expected ${RIDGE_FORMS}`)
    .optional(),
  /** How the rows are weighed of which the metric is computed: a kind, with '=' and a path where it takes a file. */
  weights: z
    .string()
    .refine((text) => parseWeighting(text) !== undefined, `expected ${WEIGHTING_FORMS}`)
    .default('uniform'),
  /** What the metric is the inverse of: the covariance, or the second moment about zero. */
  secondMoment: z.enum(secondMoments).default('centred'),
  workers: wholeNumber.max(1024).default(availableParallelism),
  out: path.optional(),
  format: z.enum(partitionFormats).default('parquet'),
  partitionRows: wholeNumber.default(DEFAULT_PARTITION_ROWS),
  /** What multiplies and decomposes: a system BLAS and LAPACK, or what npm alone brings. */
  backend: z.enum(backendNames).default('auto'),
  /** The system library by file or name, where it is not the one that is found by itself. */
  blas: path.optional(),
  /** Whether report.html is made from the tables. */
  report: z.boolean().default(true),
  /** The tables of the derived geometry: all four, or none. */
  tables: z.enum(tableChoices).default('all'),
  /** Tokens in each list of the table of extremes. */
  top: wholeNumber.max(MAX_TOP).default(20),
  exports: exportsSchema.default({}),
});

/** What a run works on: a checkpoint, or a made-up one. */
export type Subject =
  | { model: string; synthetic?: undefined }
  | { synthetic: z.infer<typeof syntheticSchema>; model?: undefined };

/** The checked options of one run. */
export type Config = RunOptions & Subject;
export type RunOptions = Omit<z.infer<typeof configSchema>, 'model' | 'synthetic'>;

/**
 * The options of one run, as a configuration gives them: exactly one of `model` and `synthetic`, and whatever else
 * differs from its default. docs/running.md explains each.
 */
export type Options = z.input<typeof configSchema>;

/** What can be added to a finished run. */
export const additionsSchema = z.strictObject({
  exports: z.array(z.enum(exportKinds)).default([]),
  /** Nothing is removed from a finished run: there is no 'none'. */
  tables: z.literal('all').optional(),
  top: configSchema.shape.top.unwrap().optional(),
});

/** Checked additions to a finished run. */
export type Additions = z.infer<typeof additionsSchema>;

/**
 * Checks what is to be added to a finished run.
 * @param where what the options are to the user
 * @throws InputError that names key, value and what is allowed, or where nothing is asked for
 */
export function checkAdditions(options: z.input<typeof additionsSchema>, where: string): Additions {
  const additions = checkConfig(additionsSchema, options, where);
  if (additions.exports.length > 0 || additions.tables !== undefined || additions.top !== undefined)
    return additions;
  throw new InputError(
    `${where}: ask for something to be added: exports (${exportKinds.join(', ')}), tables (all) or top`,
  );
}

/** What the command line can say; undefined where it is silent. */
export interface Overrides {
  model?: string | undefined;
  name?: string | undefined;
  tensor?: string | undefined;
  side?: Config['side'] | undefined;
  rows?: Config['rows'] | undefined;
  headRows?: Config['headRows'] | undefined;
  foldNorm?: Config['foldNorm'] | undefined;
  normRule?: Config['normRule'] | undefined;
  metric?: string | undefined;
  ridge?: number | string | undefined;
  weights?: string | undefined;
  secondMoment?: Config['secondMoment'] | undefined;
  out?: string | undefined;
  format?: Config['format'] | undefined;
  partitionRows?: number | undefined;
  workers?: number | undefined;
  backend?: Config['backend'] | undefined;
  blas?: string | undefined;
  report?: boolean | undefined;
  tables?: Config['tables'] | undefined;
  top?: number | undefined;
  /** The kinds of export; those that the file gives paths keep them. */
  export?: readonly ExportKind[] | undefined;
}

/** The values that options have when nobody sets them. */
export const configDefaults: RunOptions = configSchema.parse({});

/**
 * Reads a configuration file, lets the command line beat it, and checks the result.
 * @throws InputError that names file, key, value and what is allowed.
 */
export async function loadConfig(file: string | null, overrides: Overrides): Promise<Config> {
  const fromFile = file === null ? {} : await readConfigFile(file);
  const { export: kinds, ...options } = overrides;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const merged: Options = { ...fromFile, ...Object.fromEntries(given) };
  if (options.model !== undefined && fromFile.model !== options.model) {
    // What the file says of its own model does not hold for another one.
    delete merged.synthetic;
    if (options.name === undefined) delete merged.name;
  }
  if (kinds !== undefined) {
    merged.exports = Object.fromEntries(kinds.map((kind) => [kind, fromFile.exports?.[kind] ?? true]));
  }
  // The file has been checked by itself.
  const checked = checkConfig(configSchema, merged, 'command line', optionName);
  const naming = namingOf(file, { typed: new Set(given.map(([key]) => key)), stored: fromFile });
  return complete(checked, file ?? 'command line', naming);
}

/** Where some options were given, and how they are named there, with a value where one is to be given. */
type Naming = (keys: readonly string[]) => { where: string; name: (key: string, value?: string) => string };

/** How options are named that were all given in one place, as keys. */
function keysAt(where: string): Naming {
  return () => ({
    where,
    name: (key, value) => [key, ...(value === undefined ? [] : [value])].map((text) => `"${text}"`).join(' '),
  });
}

/** How options are named of which some were typed, and others stand in a file. */
function namingOf(
  file: string | null,
  { typed, stored }: { typed: ReadonlySet<string>; stored: Options },
): Naming {
  return (keys) => {
    if (file !== null && !keys.some((key) => typed.has(key))) return keysAt(file)(keys);
    const isStored = (key: string) => !typed.has(key) && Object.hasOwn(stored, key);
    return {
      where: 'command line',
      name: (key, value) =>
        isStored(key)
          ? `"${key}" of ${file}`
          : [optionName(key), ...(value === undefined ? [] : [value])].join(' '),
    };
  };
}

/** How a key of a configuration is written on the command line. */
function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Checks the options of a run and fills in the defaults.
 * @param where what they are to the user
 * @throws InputError that names key, value and what is allowed
 */
export function checkOptions(options: Options, where: string): Config {
  return complete(checkConfig(configSchema, options, where), where, keysAt(where));
}

/** @param where the model should stand */
function complete(
  { model, synthetic, ...checked }: z.infer<typeof configSchema>,
  where: string,
  naming: Naming,
): Config {
  const config = { ...checked, ...subjectOf({ model, synthetic }, where) };
  refuseIdle(config, naming);
  return config;
}

/** The options of which some make others do nothing. */
type RelatedOptions = Pick<
  Config,
  | 'foldNorm'
  | 'normRule'
  | 'headRows'
  | 'side'
  | 'tensor'
  | 'synthetic'
  | 'metric'
  | 'ridge'
  | 'weights'
  | 'secondMoment'
>;

/**
 * Refuses options of one place that would do nothing, each by itself a sensible one.
 *
 * @param where what the options are to the user
 * @throws InputError
 */
export function refuseIdleKeys(config: RelatedOptions, where: string): void {
  refuseIdle(config, keysAt(where));
}

function refuseIdle(config: RelatedOptions, naming: Naming): void {
  refuseIdleFold(config, naming);
  refuseIdleWeights(config, naming);
}

/** Refuses what decides how a metric is computed where one is given: nothing is computed then that it could decide. */
function refuseIdleWeights(
  { metric, ridge, weights, secondMoment }: Pick<Config, 'metric' | 'ridge' | 'weights' | 'secondMoment'>,
  naming: Naming,
): void {
  if (metric === undefined) return;
  const idle = [
    ...(weights === 'uniform' ? [] : ['weights']),
    ...(secondMoment === 'centred' ? [] : ['secondMoment']),
    ...(typeof ridge === 'string' && 'relative' in parseRidge(ridge)! ? ['ridge'] : []),
  ];
  if (idle.length === 0) return;
  const { where, name } = naming([...idle, 'metric']);
  const named = idle.map((key) => (key === 'ridge' ? `a relative ${name(key)}` : name(key)));
  throw new InputError(
    `${where}: ${named.join(' and ')} ${idle.length === 1 ? 'says' : 'say'} how a metric is computed, and ${name('metric')} gives one: ` +
      `leave ${name('metric')} away, or the ${idle.length === 1 ? 'other' : 'others'}`,
  );
}

/** How a configuration weighs the rows; null where all are alike. */
export function weightingOf({ weights }: Pick<Config, 'weights'>): Weighting | null {
  return parseWeighting(weights) ?? null;
}

/** The ridge of a configuration; null where it names none. */
export function ridgeOf({ ridge }: Pick<Config, 'ridge'>): Ridge | null {
  return ridge === undefined ? null : parseRidge(ridge)!;
}

/**
 * Refuses what is said of a norm that is not folded, or that there cannot be, and a side that a made-up checkpoint lacks.
 *
 * @throws InputError
 */
function refuseIdleFold(
  {
    foldNorm,
    normRule,
    headRows,
    side,
    tensor,
    synthetic,
  }: Pick<Config, 'foldNorm' | 'normRule' | 'headRows' | 'side' | 'tensor' | 'synthetic'>,
  naming: Naming,
): void {
  if (foldNorm === 'no' && normRule !== undefined) {
    const { where, name } = naming(['normRule']);
    throw new InputError(
      `${where}: ${name('normRule')} says what the final norm is, which is not folded; ask for ${name('foldNorm', 'yes')}, or leave it away`,
    );
  }
  if (foldNorm === 'yes' && synthetic !== undefined) {
    const { where, name } = naming(['foldNorm']);
    throw new InputError(`${where}: a made-up checkpoint has no final norm: leave ${name('foldNorm')} away`);
  }
  if (foldNorm === 'yes' && side === 'input') {
    const { where, name } = naming(['foldNorm', 'side']);
    throw new InputError(
      `${where}: the final norm stands before the unembedding, not before the input embedding: leave ${name('foldNorm')} away, or ` +
        name('side'),
    );
  }
  if (headRows === 'normalised' && side === 'input') {
    const { where, name } = naming(['headRows', 'side']);
    throw new InputError(
      `${where}: the rows of an unembedding are normalised, not those of an input embedding: leave ${name('headRows')} away, or ` +
        name('side'),
    );
  }
  if (synthetic === undefined) return;
  const ofMatrices = {
    side: side === 'input',
    tensor: tensor !== undefined,
    headRows: headRows !== undefined,
  };
  const idle = Object.entries(ofMatrices).find(([, isSaid]) => isSaid);
  if (idle === undefined) return;
  const { where, name } = naming([idle[0]]);
  throw new InputError(
    `${where}: a made-up checkpoint has one matrix alone, which is taken as it is: leave ${name(idle[0])} away, or name ` +
      `a checkpoint with ${name('model')}`,
  );
}

/** What a configuration wants of the final norm. */
export function normWishOf({
  foldNorm,
  normRule,
}: Pick<Config, 'foldNorm' | 'normRule'>): NormWish | undefined {
  return foldNorm === 'yes' ? { isFolded: true, rule: normRule } : undefined;
}

/**
 * What a configuration is about.
 * @param where what the configuration is to the user
 * @throws InputError where it names no model, or two
 */
export function subjectOf(
  { model, synthetic }: Pick<z.infer<typeof configSchema>, 'model' | 'synthetic'>,
  where: string,
): Subject {
  if (model !== undefined && synthetic === undefined) return { model };
  if (synthetic !== undefined && model === undefined) return { synthetic };
  throw new InputError(`${where}: give exactly one of "model" and "synthetic"`);
}

async function readConfigFile(file: string): Promise<Options> {
  const value = await readConfigJson(file);
  if (has(value, 'runs')) {
    throw new InputError(
      `${file}: is the configuration of a batch ("runs"); compute it with \`batch ${file}\``,
    );
  }
  refuseOther(value, file);
  checkConfig(configSchema, value, file);
  return value as Options;
}

/** Refuses a file that is no configuration of this program's, but one that lies near them. */
function refuseOther(value: unknown, file: string): void {
  if (has(value, 'format') && has(value, 'fingerprint'))
    throw new InputError(
      `${file}: is the manifest of a run, not a configuration; \`inspect\` shows what the run was made with`,
    );
  if (has(value, 'architectures') || has(value, 'model_type'))
    throw new InputError(
      `${file}: is the configuration of a checkpoint, not of a run; give its directory by --model`,
    );
}

/** Whether a value that was read is an object with this key. */
export function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** What a configuration file holds, unchecked. @throws InputError where it cannot be read or is not JSON */
export async function readConfigJson(file: string): Promise<unknown> {
  const text = await readText(file, 'the configuration');
  try {
    return parseJson(text);
  } catch (cause) {
    throw new InputError(`${file}: not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * @param schema of a whole configuration, or of a part of one
 * @param where what the value is to the user: a file, or a place in it
 * @param name how a key of it is named there
 * @throws InputError that names the place, the key, the value and what is allowed
 */
export function checkConfig<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  where: string,
  name: (key: string) => string = shownValue,
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const schemas = { '': schema, ...objectSchemas };
  throw new InputError(
    firstLines(result.error.issues.flatMap((issue) => describe(issue, { where, name }, schemas))),
  );
}

/** Unknown keys of an object with each of which the known ones are listed. */
const MOST_LISTS = 3;

/** Every object in a configuration, by its place. */
const objectSchemas: Readonly<Record<string, z.ZodObject>> = {
  synthetic: syntheticSchema,
  exports: exportsSchema,
  'exports.pt': torchPaths,
  'exports.safetensors': projectionsPath,
  'exports.npy': projectionsPath,
};

function describe(
  issue: z.core.$ZodIssue,
  { where, name: named }: { where: string; name: (key: string) => string },
  schemas: Readonly<Record<string, z.ZodObject>>,
): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const { shape } = schemas[at]!;
    const allowed = Object.keys(shape).filter((key) => !key.startsWith('$'));
    return issue.keys.map((key, k) => {
      const name = at === '' ? key : `${at}.${key}`;
      const meant = nearest(key, allowed);
      const hint = meant === null ? '' : ` (did you mean "${meant}"?)`;
      // Of a file that is something else altogether, once.
      const isListed = issue.keys.length <= MOST_LISTS || k === issue.keys.length - 1;
      const list = isListed ? `; allowed are ${allowed.join(', ')}` : '';
      return `${where}: unknown key ${shownValue(name)}${hint}${list}`;
    });
  }
  const subject = at === '' ? '' : `${named(at)} `;
  const came = issue.input === undefined ? 'missing' : shownValue(issue.input);
  return [`${where}: ${subject}is ${came}: ${expectation(issue)}`];
}
