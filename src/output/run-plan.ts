import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../errors.js';
import type { RowSource } from '../input/checkpoint.js';
import type { RecordedBias } from '../input/logit-bias.js';
import { normalisations } from '../input/normalisation.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { type Stage, stagesOf } from '../plan/stages.js';
import { exportKinds } from './export-kinds.js';
import { LAYOUT_VERSION } from './layout-version.js';
import { hubOriginSchema, normRecordSchema, plannedMetricSchema } from './recorded-inputs.js';
import { PLAN_NAME } from './run-folders.js';
import { computedMetricSchema, runIdentitySchema, weightingRecordSchema } from './run-identity.js';
import type { RunStore } from './run-store.js';
import { backendSchema } from './schemas.js';
import { sealedLine, unsealedLine } from './seal.js';

const wholeNumber = z.int().min(0);

const sourceSchema = z.object({
  file: z.string(),
  byteOffset: wholeNumber,
  rows: wholeNumber,
  columns: wholeNumber,
  dtype: z.enum(['bfloat16', 'float16', 'float32']),
  tensor: z.string().nullable(),
  divisor: z.union([z.literal('norm'), z.array(z.number())]).exactOptional(),
  fold: z
    .object({ factors: z.array(z.number()), isCentred: z.boolean(), bias: z.array(z.number()).nullable() })
    .exactOptional(),
});

/** How a plan names the bias of the logits, which is read when the tables are written. */
const logitBiasSchema = z.object({
  file: z.string(),
  byteOffset: wholeNumber,
  length: wholeNumber,
  dtype: z.enum(['bfloat16', 'float16', 'float32', 'float64']),
  tensor: z.string(),
  sha256: z.string(),
}) satisfies z.ZodType<RecordedBias>;

const choiceSchema = z.discriminatedUnion('backend', [
  z.object({ backend: z.literal('portable') }),
  z.object({
    backend: z.literal('system'),
    library: z.string(),
    lapack: z.string().nullable(),
    float32: z.enum(['portable', 'system']),
    sums: z.literal('portable').exactOptional(),
  }),
  z.object({ backend: z.literal('webgpu'), adapter: z.string() }),
]) satisfies z.ZodType<BackendChoice>;

const schema = z.object({
  format: z.literal('eigenshard-plan'),
  layout: z.literal(LAYOUT_VERSION),
  version: z.string(),
  /** ISO time of the first start; a run that goes on keeps it, so that its files do not differ. */
  started: z.string(),
  /** What the run is made from; the hash of the weights is empty here: its scan tells it. */
  identity: runIdentitySchema,
  checkpoint: z.object({
    /** Absolute path of the directory or file that was given. */
    path: z.string(),
    source: sourceSchema,
    normalisation: z.enum(normalisations).nullable(),
    /** The final norm whose numbers the source has; absent where none is folded. */
    norm: normRecordSchema.exactOptional(),
    logitBias: logitBiasSchema.exactOptional(),
    revision: z.string().nullable(),
    origin: hubOriginSchema.nullable(),
    /** Remarks for a user. */
    notes: z.array(z.string()),
  }),
  /** How the rows are weighed of which the metric is computed. Absent where all are alike. */
  weights: weightingRecordSchema.exactOptional(),
  metric: z.discriminatedUnion('source', [computedMetricSchema, plannedMetricSchema]),
  /** Exports in the order in which they are written, as the manifest names them. */
  exports: z.array(
    z.object({ kind: z.enum(exportKinds), holds: z.enum(['eigenbasis', 'projections']), path: z.string() }),
  ),
  /** Whether the tables are shown on a page. */
  report: z.boolean(),
  kernels: backendSchema,
  choice: choiceSchema,
});

type StoredPlan = z.infer<typeof schema>;

/** What a run is to compute and has been told, but for what follows from the rest. */
export interface PlanOfRun extends Omit<StoredPlan, 'checkpoint'> {
  checkpoint: Omit<StoredPlan['checkpoint'], 'source'> & { source: RowSource };
}

/** Plan of a run as it lies in its directory: all that whoever takes part in the run has to know. */
export interface RunPlan extends PlanOfRun {
  /** Ranges, partitions, shapes: what follows from the rest. */
  units: Plan;
  /** Stages of the run, in their order. */
  stages: Stage[];
  /** SHA-256 (hex) of the plan's line, which every record names. */
  sha256: string;
}

/** Writes a plan as one line of JSON, without a line feed. */
export function planLine(plan: PlanOfRun): string {
  const { source } = plan.checkpoint;
  const stored = { ...plan, checkpoint: { ...plan.checkpoint, source: storedSource(source) } };
  return sealedLine(schema.parse(stored));
}

type StoredSource = z.infer<typeof sourceSchema>;

/** Rows as JSON can hold them. */
function storedSource({ divisor, fold, ...source }: RowSource): StoredSource {
  return {
    ...source,
    ...(divisor === undefined ? {} : { divisor: divisor === 'norm' ? divisor : [...divisor] }),
    ...(fold === undefined
      ? {}
      : { fold: { ...fold, factors: [...fold.factors], bias: fold.bias === null ? null : [...fold.bias] } }),
  };
}

/** Rows as JSON has held them. */
function sourceOf({ divisor, fold, ...source }: StoredSource): RowSource {
  return {
    ...source,
    ...(divisor === undefined ? {} : { divisor: divisor === 'norm' ? divisor : Float64Array.from(divisor) }),
    ...(fold === undefined
      ? {}
      : {
          fold: {
            ...fold,
            factors: Float64Array.from(fold.factors),
            bias: fold.bias === null ? null : Float64Array.from(fold.bias),
          },
        }),
  };
}

/**
 * Publishes the plan of a run.
 *
 * @param place directory of the run, for messages
 * @returns the plan as others read it
 * @throws InputError where another plan lies there
 */
export function writePlan(store: RunStore, place: string, plan: PlanOfRun): RunPlan {
  const line = planLine(plan);
  const written = parsePlan(line, place);
  if (store.publish(PLAN_NAME, [Buffer.from(`${line}\n`)]) === 'published') return written;
  if (readPlan(store, place)?.sha256 === written.sha256) return written;
  throw new InputError(
    `${place}: holds the plan of another run. Choose another --out, or start again with --overwrite`,
  );
}

/**
 * Reads the plan of a run.
 *
 * @param place directory of the run, for messages
 * @returns null where there is none
 * @throws InputError where it is damaged, or of another version
 */
export function readPlan(store: RunStore, place: string): RunPlan | null {
  const bytes = store.read(PLAN_NAME);
  return bytes === null ? null : parsePlan(Buffer.from(bytes).toString().trimEnd(), `${place}/${PLAN_NAME}`);
}

/**
 * Checks that the plan of a directory is still the one that this process began with: else what it computes is of no run.
 *
 * @param place directory of the run, for messages
 * @throws InputError where it is another one, or gone, as when others have finished the run
 */
export function refuseOtherPlan(store: RunStore, place: string, sha256: string): void {
  const bytes = store.read(PLAN_NAME);
  if (bytes === null) {
    throw new InputError(
      `${place}: its plan is gone: the run was finished by others, or removed. Nothing more of it is written`,
    );
  }
  if (planHash(Buffer.from(bytes).toString().trimEnd()) === sha256) return;
  throw new InputError(
    `${place}: its plan is another one than this process began with, and nothing more is written of the former. Run the same ` +
      'command again, or submit the run again',
  );
}

/** What records know a plan by. @param line of the plan */
function planHash(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

/**
 * Parses the line of a plan.
 *
 * @param place of the line, for messages
 * @throws InputError where it is damaged, or of another version
 */
export function parsePlan(line: string, place: string): RunPlan {
  const parsed = schema.safeParse(unsealedLine(line) ?? undefined);
  if (!parsed.success) {
    throw new InputError(
      `${place}: is no plan as this version writes it; it is damaged, or of another version. Start again with ` +
        '--overwrite, or choose another --out',
    );
  }
  const plan = parsed.data;
  const { identity, metric } = plan;
  const units = planRun({
    rows: identity.model.rows,
    hidden: identity.model.hidden,
    partitionRows: identity.partitionRows,
    format: identity.format,
  });
  return {
    ...plan,
    checkpoint: { ...plan.checkpoint, source: sourceOf(plan.checkpoint.source) },
    units,
    stages: stagesOf(units, metric.source === 'file'),
    sha256: planHash(line),
  };
}
