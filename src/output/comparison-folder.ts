import { z } from 'zod';
import { matrixSides } from '../input/matrix/matrix-side.js';
import { normalisations } from '../input/normalisation.js';
import { secondMoments } from '../plan/second-moment.js';
import { checkSchema } from './manifest.js';
import { type RecordedKind, readFolderRecord } from './recorded-folder.js';
import { normRecordSchema } from './recorded-inputs.js';
import { recordedKinds } from './recorded-kinds.js';
import { weightingRecordSchema } from './run-identity.js';
import { backendSchema, expenseSchema, fileRecordSchema } from './schemas.js';

/** Two numbers that belong to A and to B. */
const bothSchema = z.object({ a: z.number(), b: z.number() });

export const momentsSchema = z.object({
  minimum: z.number(),
  maximum: z.number(),
  mean: z.number(),
  standardDeviation: z.number(),
});

/** A similarity, beside what it is where rows are paired at random. */
const ckaSchema = z.object({
  value: z.number(),
  /** Of the rows of B in a random order. */
  shuffled: z.number(),
  /** Mean over all orders. */
  expected: z.number(),
});

/** What a comparison finds; a figure that cannot be computed is null, and `unknown` has the reason. */
export const figuresSchema = z.object({
  displacement: z
    .object({
      norm: momentsSchema,
      causalNorm: momentsSchema,
      meanSquare: z.number(),
      causalMeanSquare: z.number(),
      /** Tokens whose rows differ. */
      moved: z.number(),
      /** Share of all squares along the mean of A's shared rows; null where nothing moved, or that is zero. */
      meanShare: z.number().nullable(),
      /** Share of all squares that one common displacement has: n ||mean delta||^2 / sum ||delta||^2. */
      commonShare: z.number().nullable(),
    })
    .nullable(),
  coherence: z
    .object({
      /** R: length of the mean direction of the tokens that moved. */
      length: z.number(),
      /** Mean cosine of two of them; null where only one has moved. */
      meanCosine: z.number().nullable(),
    })
    .nullable(),
  steps: z
    .object({
      /** Tokens none of whose numbers has changed. */
      frozen: z.number(),
      /** Tokens none of whose numbers has gone further than to its neighbour, without the frozen ones. */
      neighbour: z.number(),
      /** All others. */
      further: z.number(),
      mean: z.number(),
      most: z.number(),
    })
    .nullable(),
  linearCka: ckaSchema.nullable(),
  causalCka: ckaSchema.extend({ ranks: bothSchema }).nullable(),
  procrustes: z
    .object({ residual: z.number(), scale: z.number(), rotationTrace: z.number().nullable() })
    .nullable(),
  flow: z
    .object({ minimum: z.number(), median: z.number(), maximum: z.number(), directions: z.number() })
    .nullable(),
  subspaces: z
    .array(
      z.object({
        kind: z.enum(['first', 'last', 'cluster']),
        first: z.int().nonnegative(),
        count: z.int().positive(),
        meanSquaredCosine: z.number(),
        largestAngle: z.number(),
      }),
    )
    .nullable(),
  neighbours: z
    .object({ kept: z.number(), chance: z.number(), sample: z.number(), k: z.number() })
    .nullable(),
});

/** What a comparison finds. */
export type ComparisonFigures = z.infer<typeof figuresSchema>;
/** Name of a figure. */
export type ComparisonFigure = keyof ComparisonFigures;

/** What is recorded of a run. */
export const sideSchema = z.object({
  /** Directory of the run, absolute. */
  directory: z.string(),
  fingerprint: z.string(),
  model: z.string(),
  tensor: z.string().nullable(),
  /** Side of the model whose matrix it is. */
  side: z.enum(matrixSides),
  dtype: z.string(),
  rows: z.int().positive(),
  hidden: z.int().positive(),
  contentSha256: z.string(),
  norm: normRecordSchema.nullable(),
  /** Where the metric was computed from the checkpoint, or is a given one. */
  metric: z.enum(['computed', 'file']),
  metricSha256: z.string(),
  /** Null of a given metric that does not say its own. */
  ridge: z.number().nullable(),
  /** What the metric is the inverse of; null of a given one. */
  secondMoment: z.enum(secondMoments).nullable(),
  /** How the rows were weighed of which the metric was computed; null where all were alike. */
  weights: weightingRecordSchema.pick({ kind: true, sha256: true }).nullable(),
  /** What rows or columns were divided by the norm of; null where they were used as they are stored. */
  normalisation: z.enum(normalisations).nullable(),
});

/** One of the runs that were compared, as it is recorded. */
export type ComparedRecord = z.infer<typeof sideSchema>;

const comparisonSchema = z.object({
  format: z.literal(recordedKinds.comparison.format),
  layout: z.literal(1),
  version: z.string(),
  a: sideSchema,
  b: sideSchema,
  tokens: z.object({
    by: z.enum(['id', 'text']),
    shared: z.int().positive(),
    /** Tokens of one run alone; displacement.parquet lists them. */
    onlyA: z.int().nonnegative(),
    onlyB: z.int().nonnegative(),
    /** Pairs whose text is that of several tokens. */
    ambiguous: z.int().nonnegative(),
  }),
  options: z.object({ seed: z.int(), sample: z.int().positive(), k: z.int().positive() }),
  figures: figuresSchema,
  /** Why a figure is null, by its name. */
  unknown: z.record(z.string(), z.string()),
  checks: z.array(checkSchema),
  files: z.array(fileRecordSchema),
  /** How it went: all that differs between two comparisons of the same runs on one machine. */
  execution: expenseSchema.extend({ kernels: backendSchema }),
});

/** What a comparison records of itself. */
export type Comparison = z.infer<typeof comparisonSchema>;
/** What a comparison has found, without files, and without how it went. */
export type ComparisonResults = Omit<Comparison, 'files' | 'execution'>;

/** Folders of comparisons. */
export const comparisonFolders: RecordedKind<Comparison> = {
  ...recordedKinds.comparison,
  schema: comparisonSchema,
  ownName: /^(?:(?:displacement|bands)\.parquet|compare\.html)$/,
  again: 'compare the runs again, with --overwrite',
};

/**
 * Reads the record of a comparison.
 *
 * @throws InputError where there is none; VerificationError where it is not as it was written
 */
export function readComparison(folder: string): Comparison {
  return readFolderRecord(comparisonFolders, folder);
}
