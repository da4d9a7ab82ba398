import { z } from 'zod';
import type { HubOrigin } from '../input/checkpoint.js';
import type { NormRecord, VectorRecord } from '../input/norm/fold-source.js';
import { normRules } from '../input/norm/norm-rules.js';

/** How a plan and a manifest record where on the hub a tensor was read. */
export const hubOriginSchema = z.object({
  repository: z.string(),
  commit: z.string(),
  file: z.string(),
  byteRange: z.object({ begin: z.number(), end: z.number() }),
  from: z.string(),
}) satisfies z.ZodType<HubOrigin>;

/** How a plan and a manifest record a vector of the checkpoint. */
export const vectorRecordSchema = z.object({
  tensor: z.string(),
  dtype: z.string(),
  sha256: z.string(),
}) satisfies z.ZodType<VectorRecord>;

/** How a plan and a manifest record the final norm that is folded into the rows. */
export const normRecordSchema = vectorRecordSchema.extend({
  rule: z.enum(normRules),
  bias: vectorRecordSchema.nullable(),
}) satisfies z.ZodType<NormRecord>;

/** How a plan records a metric that was given. */
export const plannedMetricSchema = z.object({
  source: z.literal('file'),
  path: z.string(),
  tensor: z.string().nullable(),
  dtype: z.enum(['bfloat16', 'float16', 'float32', 'float64']),
  sha256: z.string(),
  ridge: z.number().nullable(),
  asymmetry: z.object({ max: z.number(), relative: z.number() }),
});
