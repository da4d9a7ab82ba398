import { z } from 'zod';
import { figuresSchema, sideSchema } from './comparison-folder.js';
import { checkSchema } from './manifest.js';
import { type RecordedKind, readFolderRecord } from './recorded-folder.js';
import { recordedKinds } from './recorded-kinds.js';
import { backendSchema, expenseSchema, fileRecordSchema } from './schemas.js';

const { displacement, coherence, steps } = figuresSchema.shape;

/** What has changed on the way from an earlier step to this one; what cannot be computed is null. */
const waySchema = z.object({
  displacement: displacement.unwrap(),
  /** Null where no row has moved. */
  coherence,
  /** Null where rows are not both stored as bfloat16. */
  steps,
  /** Null where all rows of one of both are one. */
  linearCka: z
    .object({
      value: z.number(),
      /** Mean over all orders of the rows of one side. */
      expected: z.number(),
    })
    .nullable(),
});

const stepSchema = z.object({
  run: sideSchema,
  eigenvalues: z.object({
    minimum: z.number(),
    median: z.number(),
    maximum: z.number(),
    participationRatio: z.number(),
    /** Of C's; null where they are not known. */
    covarianceParticipationRatio: z.number().nullable(),
  }),
  norms: z.object({ mean: z.number(), standardDeviation: z.number() }),
  /** From the step before; null of the first. */
  fromBefore: waySchema.nullable(),
  fromFirst: waySchema,
});

const seriesSchema = z.object({
  format: z.literal(recordedKinds.series.format),
  layout: z.literal(1),
  version: z.string(),
  rows: z.int().positive(),
  hidden: z.int().positive(),
  /** In their order. */
  steps: z.array(stepSchema).min(2),
  /** The worst of each over all steps, with its tolerance there. */
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two series of the same runs on one machine. */
  execution: expenseSchema.extend({ kernels: backendSchema }),
});

/** What a series records of itself. */
export type Series = z.infer<typeof seriesSchema>;
/** What has changed on the way to a step. */
export type WayFigures = z.infer<typeof waySchema>;
/** What is found of a step. */
export type StepRecord = z.infer<typeof stepSchema>;
/** What a series has found, without files, and without how it went. */
export type SeriesResults = Omit<Series, 'files' | 'execution'>;

/** Folders of series. */
export const seriesFolders: RecordedKind<Series> = {
  ...recordedKinds.series,
  schema: seriesSchema,
  ownName: /^(?:(?:series|tokens)\.parquet|series\.html)$/,
  again: 'make the series again, with --overwrite',
};

/**
 * Reads the record of a series.
 *
 * @throws InputError where there is none; VerificationError where it is not as it was written
 */
export function readSeries(folder: string): Series {
  return readFolderRecord(seriesFolders, folder);
}
