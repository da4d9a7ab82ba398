import { InputError } from '../errors.js';
import { checkArrowRows } from '../formats/arrow-limits.js';
import type { Checkpoint, RowSource } from '../input/checkpoint.js';
import { chooseHeadRows } from '../input/head-rows.js';
import { type Metric, readMetric } from '../input/metric.js';
import { localPlan } from '../input/model-plan.js';
import { openCheckpoint } from '../input/open-checkpoint.js';
import { selectRows } from '../input/vocabulary-rows.js';
import type { Backend } from '../linalg/backend/backend.js';
import { fileMetadata } from '../output/file-metadata.js';
import { LAYOUT_VERSION } from '../output/manifest.js';
import type { RunIdentity } from '../output/run-identity.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { readVocabulary, type Vocabulary } from '../tables/vocabulary.js';
import { counted } from '../text/figures.js';
import type { Candidate } from './admit-run.js';
import { type Config, DEFAULT_RIDGE } from './config.js';
import type { RunContext } from './context.js';
import { findGenerated, foundModel } from './find-model.js';
import { fingerprintOf, identityOfRun, metricOfRun } from './identity.js';
import { normaliseSource } from './normalise-source.js';
import { obtainModel } from './obtain-model.js';
import { provideGenerated } from './provide-generated.js';
import { type Scan, scanCheckpoint } from './scan-checkpoint.js';

/** A run whose inputs have been read and checked. */
export interface PreparedRun {
  config: Config;
  checkpoint: Checkpoint;
  /** What a user should know of the inputs. */
  notes: string[];
  plan: Plan;
  metric: RunMetric;
  scan: Pick<Scan, 'contentSha256' | 'mean'>;
  /** What the tables hold beside the projections; null where none are wanted. */
  tables: { rowHashes: BigUint64Array; vocabulary: Vocabulary } | null;
  name: string;
  identity: RunIdentity;
  fingerprint: string;
  /** Key-value metadata of every file of the run. */
  metadata: Record<string, string>;
  backend: Backend;
}

/** The metric of a run. The matrix of a given one is freed when the basis has been computed. */
export type RunMetric = ReturnType<typeof metricOfRun<Metric>>;

/** What a run's preparation is given beside its configuration. */
interface Given {
  /** The checkpoint with the selected rows, where the caller has it already. */
  checkpoint?: Checkpoint | undefined;
  /** Refuses what has been found, before it is downloaded or read. */
  admit: (candidate: Candidate) => Promise<void>;
}

/**
 * Opens, checks and scans the inputs of a run.
 * @throws InputError; nothing has been written by then
 */
export async function prepareRun(
  config: Config,
  backend: Backend,
  context: RunContext,
  { checkpoint: opened, admit }: Given,
): Promise<PreparedRun> {
  if (opened !== undefined) await admit(foundModel(localPlan(opened, '')));
  const found = opened ?? (await openInput(config, context, admit));
  for (const note of found.notes) context.note(note);
  const checkpoint = { ...found, source: await normaliseSource(found, context) };
  const { source, normalisation } = checkpoint;
  const { format, partitionRows } = config;
  const plan = planRun({ rows: source.rows, hidden: source.columns, partitionRows, format });
  const { first, count } = plan.partitions[0]!.rows;
  if (format !== 'parquet') checkArrowRows({ firstRow: first, rowCount: count, columns: plan.hidden });
  if (config.metric === undefined) checkRank(plan, config.ridge ?? DEFAULT_RIDGE, context);

  // The pool reads the weights while this thread reads metric and tokenizer.
  const inputs = [
    config.metric === undefined ? null : readMetric(config.metric, { hiddenSize: source.columns }),
    config.tables === 'none' ? null : readVocabularyOfTables(checkpoint),
    context.stopwatch.time('scan', plan.rows, (advance) =>
      scanCheckpoint(context.executor, source, plan.scans, { hashRows: config.tables === 'all' }, advance),
    ),
  ] as const;
  await Promise.allSettled(inputs);
  const [given, vocabulary, { rowHashes, onlyRow, ...scan }] = await Promise.all(inputs);
  const ofTokenizer = vocabulary?.notes ?? [];
  for (const note of ofTokenizer) context.note(note);
  if (config.metric === undefined && onlyRow !== null) throw constantRows(source, onlyRow);
  const metric = metricOfRun(config, given);
  const name = config.name ?? checkpoint.model.name;
  const model = { name, dtype: source.dtype, normalisation, contentSha256: scan.contentSha256 };
  const identity = identityOfRun(config, plan, model, metric);
  const fingerprint = fingerprintOf(identity);
  return {
    config,
    checkpoint,
    notes: [...checkpoint.notes, ...ofTokenizer],
    plan,
    metric,
    scan,
    tables: rowHashes === null || vocabulary === null ? null : { rowHashes, vocabulary },
    name,
    identity,
    fingerprint,
    metadata: fileMetadata(fingerprint, LAYOUT_VERSION, name),
    backend,
  };
}

/** Reads the tokens before anything is computed: tables that cannot be made must not end the run in a failure. */
async function readVocabularyOfTables({ path: place, source }: Checkpoint): Promise<Vocabulary> {
  try {
    return await readVocabulary(place, source.rows);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError(`${cause.message}. Or leave the tables, which name the tokens, out: --tables none`, {
      cause,
    });
  }
}

async function openInput(config: Config, context: RunContext, admit: Given['admit']): Promise<Checkpoint> {
  if (config.synthetic === undefined) {
    const { model, tensor, rows, headRows } = config;
    return obtainModel(model, { tensor, rows, headRows }, context, (plan) => admit(foundModel(plan)));
  }
  await admit(await findGenerated(config.synthetic));
  const { directory, ...recipe } = config.synthetic;
  if (!(await provideGenerated(directory, recipe, context)))
    context.note(`using the synthetic checkpoint in ${directory}`);
  return selectRows(chooseHeadRows(await openCheckpoint(directory), config.headRows), config.rows);
}

/** V rows span at most V - 1 directions around their mean. */
function checkRank({ rows, hidden }: Plan, ridge: number, { note }: RunContext): void {
  if (rows > hidden) return;
  const reason = `${counted(rows, 'row')} ${rows === 1 ? 'gives' : 'give'} a covariance of rank ${rows - 1} at most, less than the hidden size ${hidden}`;
  if (ridge === 0)
    throw new InputError(`${reason}: without a ridge it has no inverse. Give a --ridge above 0`);
  note(`warning: ${reason}; in the other directions the metric is 1 / ridge = ${1 / ridge}`);
}

/** The error for rows that are all `row`: their covariance is zero, and its inverse would be the ridge's alone. */
function constantRows({ file, tensor, rows }: RowSource, row: Float32Array): InputError {
  const are = rows === 1 ? 'has one row alone' : `has ${rows} equal rows`;
  const what = row.every((value) => value === 0) ? `${are}, of zeros` : are;
  return new InputError(
    `${file}: ${tensor ?? 'the matrix'} ${what}: the covariance is zero, and no metric can be computed of it; name another ` +
      'tensor, or give a --metric',
  );
}
