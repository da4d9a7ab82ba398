import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { headRowChoices } from '../input/norm-head.js';
import { rowSelections } from '../input/vocabulary-rows.js';
import { backends } from '../linalg/backend/backend.js';
import { partitionFormats, tableChoices } from '../plan/plan-run.js';

/** The ridge rho of a computed metric (C + rho I)^-1, where none is asked for. */
export const DEFAULT_RIDGE = 1e-6;

/**
 * Rows of a partition, where none are asked for: 63 MB at d = 2560, which one worker holds in memory, and 25
 * files for 151,936 rows, few enough that readers open them at once.
 */
const DEFAULT_PARTITION_ROWS = 6144;

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

export const exportKinds = ['pt', 'safetensors', 'npy'] as const;
export type ExportKind = (typeof exportKinds)[number];

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
});

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
  /** Which rows of the tensor: all, or those that the checkpoint's tokenizer has a token for. */
  rows: z.enum(rowSelections).default('all'),
  /** Whether the rows of a head that the model normalises are too: by default they are. */
  headRows: z.enum(headRowChoices).optional(),
  /** Metric file (.pt, .safetensors, .npy); without it the metric is computed from the checkpoint. */
  metric: path.optional(),
  ridge: z.number().min(0).optional(),
  workers: wholeNumber.max(1024).default(availableParallelism),
  out: path.optional(),
  format: z.enum(partitionFormats).default('parquet'),
  partitionRows: wholeNumber.default(DEFAULT_PARTITION_ROWS),
  /** What multiplies and decomposes: a system BLAS and LAPACK, or what npm alone brings. */
  backend: z.enum(backends).default('auto'),
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

export type Config = z.infer<typeof configSchema>;
export type ExportsConfig = z.infer<typeof exportsSchema>;
type ConfigInput = z.input<typeof configSchema>;

/** What the command line can say; undefined where it is silent. */
export interface Overrides {
  model?: string | undefined;
  tensor?: string | undefined;
  rows?: Config['rows'] | undefined;
  headRows?: Config['headRows'] | undefined;
  metric?: string | undefined;
  ridge?: number | undefined;
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
export const configDefaults: Config = configSchema.parse({});

/**
 * Reads a configuration file, lets the command line beat it, and checks the result.
 * @throws InputError that names file, key, value and what is allowed.
 */
export async function loadConfig(file: string | null, overrides: Overrides): Promise<Config> {
  const fromFile = file === null ? {} : await readConfigFile(file);
  const { export: kinds, ...options } = overrides;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const merged: ConfigInput = { ...fromFile, ...Object.fromEntries(given) };
  if (options.model !== undefined && fromFile.model !== options.model) {
    // What the file says of its own model does not hold for another one.
    delete merged.synthetic;
    delete merged.name;
  }
  if (kinds !== undefined) {
    merged.exports = Object.fromEntries(kinds.map((kind) => [kind, fromFile.exports?.[kind] ?? true]));
  }
  const config = checkConfig(configSchema, merged, 'command line');
  refuseUnclearModel(config, file ?? 'command line');
  return config;
}

/** @throws InputError where a configuration names no model, or two */
export function refuseUnclearModel(
  { model, synthetic }: Pick<Config, 'model' | 'synthetic'>,
  where: string,
): void {
  if ((model === undefined) !== (synthetic === undefined)) return;
  throw new InputError(`${where}: give exactly one of "model" and "synthetic"`);
}

async function readConfigFile(file: string): Promise<ConfigInput> {
  const value = await readConfigJson(file);
  checkConfig(configSchema, value, file);
  return value as ConfigInput;
}

/** What a configuration file holds, unchecked. @throws InputError where it cannot be read or is not JSON */
export async function readConfigJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw asInputError(error, file, 'the configuration');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${file}: not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * @param schema of a whole configuration, or of a part of one
 * @param where what the value is to the user: a file, or a place in it
 * @throws InputError that names the place, the key, the value and what is allowed
 */
export function checkConfig<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const schemas = { '': schema, ...objectSchemas };
  throw new InputError(result.error.issues.flatMap((issue) => describe(issue, where, schemas)).join('\n'));
}

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
  where: string,
  schemas: Readonly<Record<string, z.ZodObject>>,
): string[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const { shape } = schemas[at]!;
    const allowed = Object.keys(shape).filter((key) => !key.startsWith('$'));
    return issue.keys.map((key) => {
      const name = at === '' ? key : `${at}.${key}`;
      return `${where}: unknown key "${name}"; allowed are ${allowed.join(', ')}`;
    });
  }
  return [`${where}: "${at}" is ${JSON.stringify(issue.input)}: ${issue.message}`];
}
