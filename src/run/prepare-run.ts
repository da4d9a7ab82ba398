import { InputError } from '../errors.js';
import { checkArrowRows } from '../formats/arrow-limits.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { type Metric, readMetric } from '../input/metric.js';
import { chooseHeadRows, type Normalisation } from '../input/norm-head.js';
import { openCheckpoint } from '../input/open-checkpoint.js';
import { openTokenizer } from '../input/open-tokenizer.js';
import { tokenizerNotes } from '../input/tokenizer-notes.js';
import { selectRows } from '../input/vocabulary-rows.js';
import type { DenseKernels } from '../linalg/backend/backend.js';
import { LAYOUT_VERSION } from '../output/manifest.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { type Config, DEFAULT_RIDGE } from './config.js';
import type { RunContext } from './context.js';
import { fingerprintOf } from './fingerprint.js';
import { generateCheckpoint, isGenerated } from './generate-checkpoint.js';
import { normaliseSource } from './normalise-source.js';
import { obtainModel } from './obtain-model.js';
import { type Scan, scanCheckpoint } from './scan-checkpoint.js';

/** A run whose inputs have been read and checked. */
export interface Job {
  config: Config;
  checkpoint: Checkpoint;
  /** What a user should know of the inputs. */
  notes: string[];
  plan: Plan;
  /** The given metric, or null where it is computed. */
  metric: GivenMetric | null;
  /** rho; null where a given metric does not say it. */
  ridge: number | null;
  scan: Scan;
  name: string;
  fingerprint: string;
  kernels: DenseKernels;
}

/** What the identity of a run needs of a given metric. */
export type MetricIdentity = Pick<Metric, 'file' | 'sha256' | 'ridge'>;

/** A metric that was read, whose matrix is handed on once: its memory is free when the basis has been computed. */
export interface GivenMetric extends Omit<Metric, 'matrix'> {
  takeMatrix(): Float64Array;
}

/**
 * Opens, checks and scans the inputs of a run.
 * @param opened the checkpoint with the selected rows, where the caller has it already
 * @throws InputError; nothing has been written by then
 */
export async function prepareJob(
  config: Config,
  kernels: DenseKernels,
  context: RunContext,
  opened?: Checkpoint,
): Promise<Job> {
  const found = opened ?? (await openInput(config, context));
  for (const note of found.notes) context.note(note);
  const checkpoint = { ...found, source: await normaliseSource(found, context) };
  const { source, normalisation } = checkpoint;
  const { format, partitionRows } = config;
  const plan = planRun({ rows: source.rows, hidden: source.columns, partitionRows, format });
  const { first, count } = plan.partitions[0]!.rows;
  if (format !== 'parquet') checkArrowRows({ firstRow: first, rowCount: count, columns: plan.hidden });
  if (config.metric === undefined) checkRank(plan, config.ridge ?? DEFAULT_RIDGE, context);

  // The pool reads the weights while this thread reads the metric.
  const inputs = [
    config.metric === undefined ? null : readGivenMetric(config.metric, source.columns),
    checkTokenizer(config, checkpoint),
    context.stopwatch.time('scan', plan.rows, (advance) =>
      scanCheckpoint(context.executor, source, plan.scans, { hashRows: config.tables === 'all' }, advance),
    ),
  ] as const;
  await Promise.allSettled(inputs);
  const [metric, ofTokenizer, scan] = await Promise.all(inputs);
  for (const note of ofTokenizer) context.note(note);
  if (config.metric === undefined) refuseConstant(source, scan);
  const ridge = ridgeOf(config, metric);
  const name = config.name ?? checkpoint.model.name;
  const { dtype } = source;
  const fingerprint = fingerprintOfRun(config, plan, { name, dtype, normalisation, ...scan }, metric);
  const notes = [...checkpoint.notes, ...ofTokenizer];
  return { config, checkpoint, notes, plan, metric, ridge, scan, name, fingerprint, kernels };
}

/** What the identity of a run needs of its weights. */
interface Content {
  name: string;
  dtype: string;
  normalisation: Normalisation | null;
  contentSha256: string;
}

/** The fingerprint of the run of these options on weights of this content. */
export function fingerprintOfRun(
  config: Config,
  plan: Plan,
  { name, dtype, normalisation, contentSha256 }: Content,
  metric: MetricIdentity | null,
): string {
  const ridge = ridgeOf(config, metric);
  return fingerprintOf({
    layout: LAYOUT_VERSION,
    model: { name, contentSha256, rows: plan.rows, hidden: plan.hidden, dtype },
    rows: config.rows,
    ...(normalisation === null ? {} : { normalisation }),
    metric:
      metric === null
        ? { source: 'computed', ridge: ridge! }
        : { source: 'file', sha256: metric.sha256, ridge },
    format: config.format,
    partitionRows: plan.partitionRows,
    tables: config.tables === 'none' ? null : { top: config.top },
    exports: Object.keys(config.exports).sort(),
  });
}

async function readGivenMetric(file: string, hiddenSize: number): Promise<GivenMetric> {
  const { matrix, ...metric } = await readMetric(file, { hiddenSize });
  let held: Float64Array | undefined = matrix;
  return {
    ...metric,
    takeMatrix() {
      if (held === undefined) throw new Error('the matrix of the metric has been taken already');
      const taken = held;
      held = undefined;
      return taken;
    },
  };
}

/**
 * Opens the tokenizer before anything is computed that the tables, which need it, would end in a failure.
 * @returns what a user should know of it
 */
async function checkTokenizer({ tables }: Config, { path: place, source }: Checkpoint): Promise<string[]> {
  if (tables === 'none') return [];
  try {
    const tokenizer = await openTokenizer(place);
    return tokenizer === null ? [] : tokenizerNotes(tokenizer, source.rows);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError(`${cause.message}. Or leave the tables, which name the tokens, out: --tables none`, {
      cause,
    });
  }
}

async function openInput(config: Config, context: RunContext): Promise<Checkpoint> {
  const { executor, stopwatch, note } = context;
  const { synthetic, model, tensor, rows, headRows } = config;
  if (synthetic !== undefined) {
    const { directory, ...recipe } = synthetic;
    if (await isGenerated(directory, recipe)) note(`using the synthetic checkpoint in ${directory}`);
    else {
      await stopwatch.time(`generate ${directory}`, recipe.rows, (advance) =>
        generateCheckpoint(executor, directory, recipe, advance),
      );
    }
    return selectRows(chooseHeadRows(await openCheckpoint(directory), headRows), rows);
  }
  return obtainModel(model!, { tensor, rows, headRows }, context);
}

/** rho of a run. @throws InputError where the metric file and the option contradict each other */
export function ridgeOf({ ridge }: Config, metric: MetricIdentity | null): number | null {
  if (metric === null) return ridge ?? DEFAULT_RIDGE;
  if (ridge !== undefined && metric.ridge !== null && ridge !== metric.ridge) {
    throw new InputError(
      `${metric.file}: was made with the ridge ${metric.ridge}, not ${ridge}; leave --ridge away, or correct it`,
    );
  }
  return metric.ridge ?? ridge ?? null;
}

/** V rows span at most V - 1 directions around their mean. */
function checkRank({ rows, hidden }: Plan, ridge: number, { note }: RunContext): void {
  if (rows > hidden) return;
  const reason = `${rows} rows give a covariance of rank ${rows - 1} at most, less than the hidden size ${hidden}`;
  if (ridge === 0)
    throw new InputError(`${reason}: without a ridge it has no inverse. Give a --ridge above 0`);
  note(`warning: ${reason}; in the other directions the metric is 1 / ridge = ${1 / ridge}`);
}

/** @throws InputError where all rows are one: their covariance is zero, and its inverse is the ridge's alone */
function refuseConstant({ file, tensor, rows }: RowSource, { onlyRow }: Scan): void {
  if (onlyRow === null) return;
  const are = rows === 1 ? 'has one row alone' : `has ${rows} equal rows`;
  const what = onlyRow.every((value) => value === 0) ? `${are}, of zeros` : are;
  throw new InputError(
    `${file}: ${tensor ?? 'the matrix'} ${what}: the covariance is zero, and no metric can be computed of it; name another ` +
      'tensor, or give a --metric',
  );
}
