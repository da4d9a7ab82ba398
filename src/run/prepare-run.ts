import { InputError } from '../errors.js';
import { checkArrowRows } from '../formats/arrow-limits.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { chooseHeadRows } from '../input/head-rows.js';
import { type RecordedBias, recordBias } from '../input/logit-bias.js';
import { readMetric } from '../input/metric.js';
import { localPlan } from '../input/model-plan.js';
import { foldSource, type NormRecord } from '../input/norm/fold-source.js';
import { openCheckpoint } from '../input/open-checkpoint.js';
import { mergeScans, type ScannedRange } from '../input/scan.js';
import { selectRows } from '../input/vocabulary-rows.js';
import {
  needsLogitBias,
  type ReadWeighting,
  readWeighting,
  weighedCheckpoint,
} from '../input/weighting/read-weighting.js';
import type { Backend } from '../linalg/backend/backend.js';
import type { RunIdentity } from '../output/run-identity.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { readVocabulary, type Vocabulary } from '../tables/vocabulary.js';
import { counted } from '../text/figures.js';
import type { Candidate } from './admit-run.js';
import { type Config, DEFAULT_RIDGE, normWishOf, ridgeOf, weightingOf } from './config.js';
import type { RunContext } from './context.js';
import { findGenerated, foundModel } from './find-model.js';
import { fingerprintOf, identityOfRun, metricOfRun } from './identity.js';
import { normaliseSource } from './normalise-source.js';
import { obtainModel } from './obtain-model.js';
import type { RunMetric } from './plan-of-run.js';
import { provideGenerated } from './provide-generated.js';
import { refuseConstantRows } from './refuse-constant-rows.js';
import { scanRanges } from './scan-checkpoint.js';

/** Inputs of a run that have been opened and checked, but for the weights. */
export interface RunInputs {
  config: Config;
  checkpoint: Checkpoint;
  /** What a user should know of the inputs. */
  notes: string[];
  /** The final norm that is folded into the rows; null where none is. */
  norm: NormRecord | null;
  /** Bias of the logits; null where the model has none. */
  logitBias: RecordedBias | null;
  /** How the rows are weighed; null where all are alike. */
  weighting: ReadWeighting | null;
  plan: Plan;
  metric: RunMetric;
  /** Texts of the tokens, which the tables name; null where none are wanted. */
  vocabulary: Vocabulary | null;
  name: string;
  /** What the run is made from; the hash of the weights is empty, as long as they have not been read. */
  identity: RunIdentity;
  backend: Backend;
}

/** A run whose inputs have been read and checked. */
export interface PreparedRun extends RunInputs {
  /** What each range of the scan has told. */
  scanned: ScannedRange[];
  fingerprint: string;
}

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
  given: Given,
): Promise<PreparedRun> {
  let scanned: ScannedRange[] = [];
  // The pool reads the weights while this thread reads metric and tokenizer.
  const scan = ({ source }: Checkpoint, { rows, scans }: Plan) =>
    context.stopwatch.time('scan', rows, async (advance) => {
      const hashRows = config.tables === 'all' || config.weights === 'unique';
      scanned = await scanRanges(context.executor, source, scans, { hashRows }, advance);
    });
  const inputs = await openInputs(config, backend, context, { ...given, meanwhile: scan });
  const { contentSha256, onlyRow } = mergeScans(scanned, inputs.checkpoint.source);
  if (config.metric === undefined) refuseConstantRows(inputs.checkpoint.source, onlyRow);
  const identity = { ...inputs.identity, model: { ...inputs.identity.model, contentSha256 } };
  return { ...inputs, identity, fingerprint: fingerprintOf(identity), scanned };
}

/**
 * Opens and checks the inputs of a run, but for the weights.
 *
 * @param given `meanwhile`: what else is done with the checkpoint while metric and tokenizer are read
 * @throws InputError; nothing has been written by then
 */
export async function openInputs(
  config: Config,
  backend: Backend,
  context: RunContext,
  {
    checkpoint: opened,
    admit,
    meanwhile = async () => {},
  }: Given & { meanwhile?: (checkpoint: Checkpoint, plan: Plan) => Promise<void> },
): Promise<RunInputs> {
  if (opened !== undefined) await admit(foundModel(localPlan(opened, { reason: '', norm: null })));
  const found = opened ?? (await openInput(config, context, admit));
  for (const note of found.notes) context.note(note);
  const { source: folded, norm } = await foldSource(await normaliseSource(found, context), found.finalNorm);
  const checkpoint = { ...found, source: folded };
  const asked = weightingOf(config);
  // Tables and weights alone show it.
  const isNeeded = config.tables === 'all' || needsLogitBias(asked);
  const logitBias = isNeeded ? await recordBias(found.logitBias, context.note) : null;
  const { source, normalisation } = checkpoint;
  const { format, partitionRows } = config;
  const plan = planRun({ rows: source.rows, hidden: source.columns, partitionRows, format });
  const { first, count } = plan.partitions[0]!.rows;
  if (format !== 'parquet') checkArrowRows({ firstRow: first, rowCount: count, columns: plan.hidden });
  if (config.metric === undefined) checkRank(plan, config, context);

  const weighed = weighedCheckpoint({ path: checkpoint.path, source, logitBias });
  const inputs = [
    asked === null ? null : readWeighting(asked, weighed),
    config.metric === undefined ? null : readMetric(config.metric, { hiddenSize: source.columns }),
    config.tables === 'none' ? null : readVocabularyOfTables(checkpoint),
    meanwhile(checkpoint, plan),
  ] as const;
  await Promise.allSettled(inputs);
  const [weighting, given, vocabulary] = await Promise.all(inputs);
  const notes = [...(vocabulary?.notes ?? []), ...(weighting?.notes ?? [])];
  for (const note of notes) context.note(note);
  const metric = metricOfRun(config, given);
  const name = config.name ?? checkpoint.model.name;
  const ofWeights = weighting?.record ?? null;
  const model = { name, dtype: source.dtype, normalisation, norm, weighting: ofWeights, contentSha256: '' };
  return {
    config,
    checkpoint,
    notes: [...checkpoint.notes, ...notes],
    norm,
    logitBias,
    weighting,
    plan,
    metric,
    vocabulary,
    name,
    identity: identityOfRun(config, plan, model, metric),
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
    const { model, tensor, side, rows, headRows } = config;
    const wanted = { tensor, side, rows, headRows, wish: normWishOf(config) };
    return obtainModel(model, wanted, context, (plan) => admit(foundModel(plan)));
  }
  await admit(await findGenerated(config.synthetic));
  const { directory, ...recipe } = config.synthetic;
  if (!(await provideGenerated(directory, recipe, context)))
    context.note(`using the synthetic checkpoint in ${directory}`);
  return selectRows(chooseHeadRows(await openCheckpoint(directory), config.headRows), config.rows);
}

/** V rows span at most V - 1 directions around their mean. */
function checkRank({ rows, hidden }: Plan, config: Pick<Config, 'ridge'>, { note }: RunContext): void {
  if (rows > hidden) return;
  const asked = ridgeOf(config);
  const ridge = asked !== null && 'relative' in asked ? asked : (asked?.absolute ?? DEFAULT_RIDGE);
  const reason = `${counted(rows, 'row')} ${rows === 1 ? 'gives' : 'give'} a covariance of rank ${rows - 1} at most, less than the hidden size ${hidden}`;
  if (ridge === 0)
    throw new InputError(`${reason}: without a ridge it has no inverse. Give a --ridge above 0`);
  const inverse = typeof ridge === 'number' ? `1 / ridge = ${1 / ridge}` : '1 / ridge';
  note(`warning: ${reason}; in the other directions the metric is ${inverse}`);
}
