import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import {
  type Config,
  checkConfig,
  configSchema,
  has,
  readConfigJson,
  refuseIdleKeys,
  type Subject,
  subjectOf,
} from '../run/config.js';
import { firstLines } from '../text/first-lines.js';

/**
 * Options that a run of a batch can give: all but what the runs share. They have no `out`, because the folder's name
 * comes from model, revision and options, so that no two runs meet.
 */
const runSchema = configSchema
  .omit({ $schema: true, workers: true, backend: true, blas: true, out: true })
  // A page for each of hundreds of runs would take longer than a small run itself: the summary compares them.
  .extend({ report: z.boolean().default(false) });

/** Checked options of one run of a batch. */
export type BatchRunOptions = Omit<z.infer<typeof runSchema>, 'model' | 'synthetic'> & Subject;

/** Name of the table of all runs, in the batch's folder. */
export const SUMMARY_NAME = 'summary.parquet';

const { $schema, out, workers, backend, blas } = configSchema.shape;
const batchSchema = z.strictObject({
  $schema,
  /** Directory of the runs' folders and of summary.parquet; by default `runs/<name of the file>`. */
  out,
  workers,
  backend,
  blas,
  /** Options of every run that does not set them itself; an object, such as `exports`, is replaced as a whole. */
  defaults: z.record(z.string(), z.unknown()).default({}),
  runs: z.array(z.record(z.string(), z.unknown())).min(1, 'expected one run at least'),
});

/** Checked batch: what all runs share, and each run's options with the defaults in them. */
export interface BatchConfig extends Pick<Config, 'workers' | 'backend' | 'blas'> {
  /** Configuration file, for messages. */
  file: string;
  /** Directory of the batch. */
  out: string;
  runs: BatchRunOptions[];
}

/**
 * Reads a batch's configuration file, lets the command line beat it, and checks every run of it.
 * @throws InputError that names file, run (counted from 0), key, value and what is allowed, of all runs at once
 */
export async function loadBatch(
  file: string,
  overrides: { out?: string | undefined; workers?: number | undefined } = {},
): Promise<BatchConfig> {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const value = await readConfigJson(file);
  if (!has(value, 'runs') && (has(value, 'model') || has(value, 'synthetic'))) {
    throw new InputError(
      `${file}: is the configuration of one run, without "runs"; compute it with \`run --config ${file}\``,
    );
  }
  const batch = checkConfig(batchSchema, value, file);
  const shared = checkConfig(batchSchema, { ...batch, ...Object.fromEntries(given) }, 'command line');
  checkConfig(runSchema, batch.defaults, `${file}, defaults`);
  return {
    file,
    out: shared.out ?? path.join('runs', path.parse(file).name),
    workers: shared.workers,
    backend: shared.backend,
    blas: shared.blas,
    runs: checkRuns(file, batch),
  };
}

/** Name of a run in messages: the configuration file, and its index there. */
export function runLabel(file: string, index: number): string {
  return `${file}, runs[${index}]`;
}

/** Configuration of one run on its own. */
export function configOfRun(
  { workers, backend, blas }: BatchConfig,
  run: BatchRunOptions,
  out: string,
): Config {
  return { ...run, workers, backend, blas, out };
}

function checkRuns(file: string, { defaults, runs }: z.infer<typeof batchSchema>): BatchRunOptions[] {
  const problems: { where: string; lines: string[] }[] = [];
  const checked = runs.map((run, index) => {
    const where = runLabel(file, index);
    try {
      const { model, synthetic, ...options } = checkConfig(runSchema, mergeDefaults(defaults, run), where);
      const config = { ...options, ...subjectOf({ model, synthetic }, where) };
      refuseIdleKeys(config, where);
      return config;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push({ where, lines: error.message.split('\n') });
      return null;
    }
  });
  if (problems.length > 0) throw new InputError(firstLines(together(file, problems)));
  return checked as BatchRunOptions[];
}

/** What is wrong with several runs in the same way is said once: `series.json, runs[0], runs[3]: ...`. */
function together(file: string, problems: readonly { where: string; lines: readonly string[] }[]): string[] {
  const placesOf = new Map<string, string[]>();
  for (const { where, lines } of problems) {
    for (const line of lines) {
      const problem = line.slice(where.length);
      const places = placesOf.get(problem);
      if (places === undefined) placesOf.set(problem, [where]);
      else places.push(where);
    }
  }
  return [...placesOf].map(([problem, [first = '', ...others]]) => {
    const places = [first, ...others.map((place) => place.slice(`${file}, `.length))];
    return `${places.join(', ')}${problem}`;
  });
}

/** Options that choose a matrix of a checkpoint. */
const choices = ['tensor', 'headRows'] as const;

/**
 * Puts defaults under the options of a run; one that names its own model, made up or not, has no use for theirs, and a made-up
 * one none for what they choose of the checkpoints of other runs.
 */
function mergeDefaults(
  { model, synthetic, ...defaults }: Record<string, unknown>,
  run: Record<string, unknown>,
): Record<string, unknown> {
  const isOwn = 'model' in run || 'synthetic' in run;
  const merged: Record<string, unknown> = {
    ...defaults,
    ...(isOwn || model === undefined ? {} : { model }),
    ...(isOwn || synthetic === undefined ? {} : { synthetic }),
    ...run,
  };
  if (merged.synthetic !== undefined) for (const key of choices) if (!(key in run)) delete merged[key];
  return merged;
}
