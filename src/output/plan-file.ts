import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { parseJson } from '../files/json.js';
import type { RowSource } from '../input/checkpoint.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import { type Plan, planRun } from '../plan/plan-run.js';
import { LAYOUT_VERSION } from './manifest.js';
import { runIdentitySchema } from './run-identity.js';
import type { RunStore } from './run-store.js';
import { backendSchema } from './schemas.js';
import { isSealed, sealedText } from './seal.js';

/** Name of the plan in a run's folder. */
export const PLAN_NAME = 'plan.json';

const wholeNumber = z.int().min(0);

const sourceSchema = z.object({
  file: z.string(),
  byteOffset: wholeNumber,
  rows: wholeNumber,
  columns: wholeNumber,
  dtype: z.enum(['bfloat16', 'float16', 'float32']),
  tensor: z.string().nullable(),
  divisor: z.union([z.literal('norm'), z.array(z.number())]).exactOptional(),
});

const choiceSchema = z.discriminatedUnion('backend', [
  z.object({ backend: z.literal('portable') }),
  z.object({
    backend: z.literal('system'),
    library: z.string(),
    lapack: z.string().nullable(),
    float32: z.enum(['portable', 'system']),
  }),
]) satisfies z.ZodType<BackendChoice>;

const schema = z.object({
  format: z.literal('eigenshard-plan'),
  layout: z.literal(LAYOUT_VERSION),
  version: z.string(),
  /** ISO time of the first start; a run that goes on keeps it, so that its files do not differ. */
  started: z.string(),
  /** What the run is made from, but for the hash of the weights, which the scan takes. */
  identity: runIdentitySchema,
  /** Rows of the matrix, where they lie. */
  source: sourceSchema,
  /** What the file of the matrix was when the plan was made: a scan holds as long as it stays so. */
  sourceState: z.object({ bytes: z.number(), modified: z.number(), inode: z.number() }),
  /** Absolute final paths of the exports. */
  exports: z.array(z.string()),
  /** Names of the tables and their report. */
  tables: z.array(z.string()),
  kernels: backendSchema,
  choice: choiceSchema,
});

type StoredPlan = z.infer<typeof schema>;

/** What a run is to compute, as whoever takes part in it reads it. */
export interface RunPlan extends Omit<StoredPlan, 'source'> {
  source: RowSource;
  /** Ranges, partitions, shapes: what follows from the rest. */
  units: Plan;
  /** SHA-256 (hex) of the plan's text, which every record names. */
  sha256: string;
}

/** Writes a plan as text. */
export function planText({ source, ...plan }: Omit<RunPlan, 'units' | 'sha256'>): string {
  const { divisor, ...rest } = source;
  const stored =
    divisor === undefined ? rest : { ...rest, divisor: divisor === 'norm' ? divisor : [...divisor] };
  return sealedText(schema.parse({ ...plan, source: stored }));
}

/**
 * Reads the plan of a run.
 *
 * @param place of the run, for messages
 * @returns null where there is none
 * @throws InputError where it is damaged, or of another version
 */
export function readPlan(store: RunStore, place: string): RunPlan | null {
  const bytes = store.read(PLAN_NAME);
  return bytes === null ? null : parsePlan(Buffer.from(bytes).toString(), place);
}

/** Parses the text of a plan. @param place of the run, for messages */
export function parsePlan(text: string, place: string): RunPlan {
  if (!isSealed(text)) throw damaged(place, 'its seal does not fit its text');
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    throw damaged(place, `${path.join('.')}: ${message}. Was it written by another version?`);
  }
  const { source, ...plan } = parsed.data;
  const { divisor, ...rest } = source;
  const { rows, hidden } = plan.identity.model;
  return {
    ...plan,
    source:
      divisor === undefined
        ? rest
        : { ...rest, divisor: divisor === 'norm' ? divisor : Float64Array.from(divisor) },
    units: planRun({
      rows,
      hidden,
      partitionRows: plan.identity.partitionRows,
      format: plan.identity.format,
    }),
    sha256: createHash('sha256').update(text).digest('hex'),
  };
}

function damaged(place: string, how: string): InputError {
  return new InputError(
    `${place}: its ${PLAN_NAME}: ${how}. Start again with --overwrite, or choose another --out`,
  );
}
