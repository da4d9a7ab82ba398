import path from 'node:path';
import { z } from 'zod';
import type { BasisCheck } from '../checks/basis-check.js';
import type { Check, Verification } from '../checks/verdict.js';
import { InputError, VerificationError } from '../errors.js';
import { parseJson } from '../files/json.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { refuseNoPath } from '../files/refuse-no-path.js';
import { matrixSides } from '../input/matrix/matrix-side.js';
import { normalisations } from '../input/normalisation.js';
import type { Moments } from '../linalg/moments.js';
import { partitionFormats } from '../plan/plan-run.js';
import { rowSelections } from '../plan/row-selection.js';
import { secondMoments } from '../plan/second-moment.js';
import { neighbourMeasures } from '../tables/neighbour-measures.js';
import type { NeighbourSummary } from '../tables/neighbour-table.js';
import { type Spectrum, varianceSources } from '../tables/spectrum.js';
import type { TableSummary } from '../tables/table-summary.js';
import { shownValue } from '../text/shown-value.js';
import { contradictionIn } from './contradiction.js';
import { exportKinds } from './export-kinds.js';
import { LAYOUT_VERSION } from './layout-version.js';
import {
  hubOriginSchema,
  normRecordSchema,
  plannedMetricSchema,
  vectorRecordSchema,
} from './recorded-inputs.js';
import { MANIFEST_NAME } from './run-folders.js';
import { weightingRecordSchema } from './run-identity.js';
import { backendSchema, fileRecordSchema, machineSchema } from './schemas.js';
import { isSealed, sealedText } from './seal.js';
import { withoutManifest } from './without-manifest.js';

const ROLE = 'the manifest';
export const REPORT_NAME = 'report.html';

/** The files of a run's tables, in its directory. */
export const TABLE_NAMES = {
  tokens: 'tokens.parquet',
  eigenvectors: 'eigenvectors.parquet',
  extremes: 'extremes.parquet',
  histograms: 'histograms.parquet',
} as const;
export type TableName = keyof typeof TABLE_NAMES;

/** The file of the nearest neighbours, which is added to a finished run. */
export const NEIGHBOURS_NAME = 'neighbours.parquet';

const READ_LAYOUTS = [1, LAYOUT_VERSION] as const;

const momentsSchema = z.object({
  minimum: z.number(),
  maximum: z.number(),
  mean: z.number(),
  standardDeviation: z.number(),
}) satisfies z.ZodType<Moments>;

const spectrumSchema = z.object({
  minimum: z.number(),
  maximum: z.number(),
  mean: z.number(),
  median: z.number(),
  trace: z.number(),
  conditionNumber: z.number(),
  logDeterminant: z.number(),
  participationRatio: z.number(),
  covarianceParticipationRatio: z.number().nullable(),
  /** Runs from before it was recorded took the metric's. */
  varianceSource: z.enum(varianceSources).default('covariance'),
  ridgeBound: z.number().nullable().default(null),
  ridgeShare: z.number().nullable().default(null),
  rank: z.number().nullable().default(null),
  clusters: z.object({ count: z.number(), directions: z.number() }).nullable().default(null),
  identityDistance: z.object({ frobenius: z.number(), spectral: z.number() }),
}) satisfies z.ZodType<Spectrum>;

const shares = z.record(z.string(), z.number());

const tableSummarySchema = z.object({
  spectrum: spectrumSchema.extend({
    directionsOfVariance: shares.nullable(),
    directionsOfCausalWeight: shares,
  }),
  norms: z.object({
    euclidean: momentsSchema,
    causal: momentsSchema,
    centred: momentsSchema,
    centredCausal: momentsSchema,
  }),
  distortionMean: z.number().nullable(),
  counts: z.object({
    rows: z.number(),
    tokens: z.number().nullable(),
    orphans: z.number().nullable(),
    specials: z.number().nullable(),
    duplicateGroups: z.number(),
    duplicateRows: z.number(),
    zeroRows: z.number(),
  }),
  logitBias: momentsSchema.nullable().default(null),
}) satisfies z.ZodType<TableSummary>;

/** The tables, and what they come to. */
const tablesSchema = z.object({
  files: z.array(fileRecordSchema),
  /** Places of each list of extremes. */
  top: z.number(),
  /** The bins of z: equal parts of [lower, upper), the outer ones open. */
  histogram: z.object({ bins: z.number(), lower: z.number(), upper: z.number() }),
  /** Neighbouring eigenvalues closer than this, relatively, are of one cluster. */
  clusterThreshold: z.number(),
  /** How far a quantile may be from the column's, as a share of maximum - minimum. */
  quantileError: z.number(),
  summary: tableSummarySchema,
});

const neighbourSummarySchema = z.object({
  hubs: z.partialRecord(
    z.enum(neighbourMeasures),
    z.object({
      maximum: z.number(),
      token: z.number(),
      skewness: z.number().nullable(),
      antihubs: z.number(),
    }),
  ),
  knots: z.object({ limit: z.number(), count: z.number(), tokens: z.number(), largest: z.number() }),
}) satisfies z.ZodType<NeighbourSummary>;

/** The nearest neighbours of all tokens, and what they come to. */
const neighboursSchema = z.object({
  file: fileRecordSchema,
  /** Neighbours of each token. */
  k: z.number(),
  /** Measures, in the order of the columns. */
  measures: z.array(z.enum(neighbourMeasures)),
  summary: neighbourSummarySchema,
});

export const checkSchema = z.object({
  name: z.string(),
  what: z.string(),
  measured: z.number().nullable(),
  tolerance: z.number().nullable(),
  verdict: z.enum(['passed', 'failed', 'differs', 'not applicable']),
  detail: z.string().exactOptional(),
  unit: z.object({ name: z.string(), size: z.number() }).exactOptional(),
}) satisfies z.ZodType<Check>;

/** How identity 1 of a basis was judged. */
export const basisCheckSchema = z.object({
  checks: z.array(checkSchema),
  offDiagonal: z.object({ maximum: z.number(), limit: z.number() }),
}) satisfies z.ZodType<BasisCheck>;

const verificationSchema = z.object({
  passed: z.boolean(),
  checks: z.array(checkSchema),
  normDifference: z.object({ maximum: z.number(), mean: z.number(), limit: z.number() }),
  offDiagonal: z.object({ maximum: z.number(), limit: z.number() }),
}) satisfies z.ZodType<Verification>;

/** Whether the metric is the inverse of this checkpoint's covariance; null where that cannot be told, or was not recorded. */
const matches = z.boolean().nullable().default(null);

const { ridge, asymmetry, ...address } = plannedMetricSchema.shape;

/** A metric that was given, where it was found. */
const givenMetricSchema = z.object({ ...address, file: z.null(), ridge, asymmetry, matches });

/** The metric: the run's own file where it was computed, else where the given one was found. */
const metricSchema = z.discriminatedUnion('source', [
  z.object({
    source: z.literal('computed'),
    path: z.string(),
    tensor: z.string(),
    dtype: z.literal('float64'),
    sha256: z.string(),
    file: fileRecordSchema,
    ridge: z.number(),
    /** r, where the ridge was asked for as r tr C / d; null where it was given. */
    relativeRidge: z.number().nullable().default(null),
    /** What M is the inverse of but for the ridge: C, or the second moment about zero, C + mu mu^T. */
    secondMoment: z.enum(secondMoments).default('centred'),
    asymmetry: z.null(),
    matches,
  }),
  givenMetricSchema,
]);

const manifestSchema = z.object({
  format: z.literal('eigenshard-run'),
  layout: z.literal(READ_LAYOUTS),
  version: z.string(),
  fingerprint: z.string(),
  model: z.object({
    name: z.string(),
    /** What --model takes again: an absolute path, or owner/name@commit. */
    path: z.string(),
    /** The commit, where it is known. */
    revision: z.string().nullable().default(null),
    /** The bytes of the hub that the matrix is; null where nothing says so. */
    origin: hubOriginSchema.nullable().default(null),
    tensor: z.string().nullable(),
    dtype: z.string(),
    rows: z.int().positive(),
    hidden: z.int().positive(),
    contentSha256: z.string(),
    /** What each row, or each column, was divided by the norm of; null where rows were used as they are stored. */
    normalisation: z.enum(normalisations).nullable().default(null),
    /** The final norm that was folded into the rows; null where they are without it. */
    norm: normRecordSchema.nullable().default(null),
    /** The bias of the logits that the tables have; null where the model has none, and in runs from before it was read. */
    logitBias: vectorRecordSchema.nullable().default(null),
    /** What was noticed about the choice of the matrix, for a person. */
    notes: z.array(z.string()).default([]),
  }),
  /** How the rows were weighed of which the metric was computed; null where all were alike. */
  weights: weightingRecordSchema
    .extend({
      /** 1 / sum w^2. */
      effectiveRows: z.number(),
      /** Rows whose weight is not 0. */
      positiveRows: z.number(),
    })
    .nullable()
    .default(null),
  metric: metricSchema,
  options: z.object({
    /** Runs from before there was a choice kept all rows. */
    rows: z.enum(rowSelections).default('all'),
    /** The matrix of which side of the model; runs from before there was a choice took the unembedding. */
    side: z.enum(matrixSides).default('output'),
    format: z.enum(partitionFormats),
    partitionRows: z.number(),
    exports: z.array(z.string()),
  }),
  eigenvalues: spectrumSchema,
  /** Figures of the spectrum by their exact names, null where not known; empty in runs from before they were taken. */
  spectralFigures: z.record(z.string(), z.number().nullable()).default({}),
  projections: momentsSchema.extend({ shape: z.tuple([z.number(), z.number()]), bytes: z.number() }),
  norms: z.object({ euclidean: momentsSchema, causal: momentsSchema }),
  verification: verificationSchema,
  eigenbasis: fileRecordSchema,
  partitions: z.array(
    z.object({
      first: z.int().nonnegative(),
      count: z.int().positive(),
      files: z.array(fileRecordSchema.extend({ crc32: z.int() })),
      crc32: z.int().nullable(),
    }),
  ),
  /** Null with --tables none, and in runs from before there were tables. */
  tables: tablesSchema.nullable().default(null),
  /** Null where nobody has asked for them. */
  neighbours: neighboursSchema.nullable().default(null),
  /** Relative to the output directory, or absolute where they lie outside of it. */
  exports: z.array(
    z.object({
      kind: z.enum(exportKinds),
      holds: z.enum(['eigenbasis', 'projections']),
      path: z.string(),
      bytes: z.int().nonnegative(),
      /** Null in layout 1. */
      sha256: z.string().nullable().default(null),
      /** Where the projections, [V, d] float32 row-major, begin; null for an eigenbasis. */
      byteOffset: z.int().nonnegative().nullable(),
    }),
  ),
  /** The page that shows the tables; null where none was asked for. */
  report: fileRecordSchema.nullable().default(null),
  /** How this run went: the only part that differs between two runs of the same fingerprint on one machine. */
  execution: z.object({
    started: z.string(),
    finished: z.string(),
    workers: z.number(),
    kernels: backendSchema,
    /** Why these kernels were chosen, where nobody asked for them by name. */
    kernelsReason: z.string().optional(),
    seconds: z.record(z.string(), z.number()),
    /** From the beginning to the end; stages may go on beside each other. Runs from before it was taken have none. */
    elapsedSeconds: z.number().optional(),
    peakMemoryBytes: z.number(),
    /** Plan and records of the units, which a run that is mended trusts; runs of former versions have a journal, or none. */
    records: fileRecordSchema.nullable().default(null),
    journal: fileRecordSchema.optional(),
    /** Names of the machines that took part, where the run was computed in steps. */
    hosts: z.array(z.string()).optional(),
    machine: machineSchema,
  }),
});

export type Manifest = z.infer<typeof manifestSchema>;
/** What a run records of its metric before it is known whether that matches the checkpoint. */
export type MetricRecord = z.input<typeof metricSchema>;
/** What a run has found, without how it went, nor the report that shows it. */
export type RunResults = Omit<Manifest, 'report' | 'execution' | 'neighbours'>;

/** Of a million partitions, 15 for each. */
const MOST_VALUES = 2 ** 24;

/**
 * Reads and checks a finished run's manifest.
 * @throws InputError where there is none, or it is not ours; VerificationError where it is not as it was written
 */
export function readManifest(directory: string): Manifest {
  refuseNoPath(directory, 'the output directory of a finished run');
  const file = path.join(directory, MANIFEST_NAME);
  const text = readTextIfThere(file, ROLE);
  if (text === null) throw withoutManifest(directory);
  let value: unknown;
  try {
    value = parseJson(text, MOST_VALUES);
  } catch (cause) {
    throw damaged(file, `not valid JSON: ${(cause as Error).message}`);
  }
  // First: what damage has made of it need not fit the schema.
  const hasSeal = typeof value === 'object' && value !== null && 'seal' in value;
  if (hasSeal && !isSealed(text)) throw damaged(file, 'its seal does not fit its text');
  const result = manifestSchema.safeParse(value);
  if (!result.success) {
    const { path: at, message } = result.error.issues[0]!;
    const advice = `Was it written by another version (this one reads the layouts ${READ_LAYOUTS.join(' and ')})?`;
    throw new InputError(`${file}: ${shownValue(at.join('.'))}: ${message}. ${advice}`);
  }
  if (result.data.layout > 1 && !hasSeal) throw damaged(file, 'it has no seal');
  const contradiction = contradictionIn(result.data);
  if (contradiction !== null) throw damaged(file, contradiction);
  return result.data;
}

function damaged(file: string, how: string): VerificationError {
  return new VerificationError(
    `${file}: ${how}; it is not as the run wrote it. The run's own command with --resume makes it again from what is ` +
      'intact, with --overwrite all of the run',
  );
}

/** Writes the manifest, which makes the run a finished one. */
export function writeManifest(directory: string, manifest: Manifest): void {
  const text = sealedText(manifestSchema.parse(manifest));
  writeFileAtomically(path.join(directory, MANIFEST_NAME), [Buffer.from(text)]);
}
